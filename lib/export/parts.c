/* The functions of an exported file, as text. */
#include "export/parts.h"

#include <string.h>

typedef struct part {
    const char *name, *text;
} part;

static const char window_text[] =
    "struct window {\n"
    "    size_t channels, height, width, rows, columns, stride_y, stride_x, pad_y, pad_x;\n"
    "    size_t out_height, out_width;\n"
    "};\n\n";

/* One for weights as floats, one for bytes. */
static const char *const dense_text[] = {
    "static void dense(size_t k, size_t m, const float *W, const float *b, const float *x, float "
    "*y)\n"
    "{\n"
    "    for (size_t j = 0; j < m; j++, W += k) {\n"
    "        float sum = 0;\n"
    "        for (size_t i = 0; i < k; i++) sum += W[i] * x[i];\n"
    "        y[j] = b ? sum + b[j] : sum;\n"
    "    }\n"
    "}\n\n",
    "static void dense(size_t k, size_t m, const signed char *W, const float *s, const float *b,\n"
    "                  const float *x, float *y)\n"
    "{\n"
    "    for (size_t j = 0; j < m; j++, W += k) {\n"
    "        float sum = 0;\n"
    "        for (size_t i = 0; i < k; i++) sum += (float)W[i] * x[i];\n"
    "        y[j] = b ? s[j] * sum + b[j] : s[j] * sum;\n"
    "    }\n"
    "}\n\n"};

/* Before the image, the unsigned place is huge. */
static const char *const convolution_text[] = {
    "static void convolution(const struct window *w, size_t filters, const float *W, const float "
    "*b,\n"
    "                        const float *x, float *y)\n",
    "static void convolution(const struct window *w, size_t filters, const signed char *W,\n"
    "                        const float *s, const float *b, const float *x, float *y)\n"};
static const char *const tap_text[] = {
    "                            sum += W[(c * w->rows + fy) * w->columns + fx] *\n"
    "                                   x[(c * w->height + iy) * w->width + ix];\n"
    "                        }\n"
    "                *y++ = sum + b[f];\n",
    "                            sum += (float)W[(c * w->rows + fy) * w->columns + fx] *\n"
    "                                   x[(c * w->height + iy) * w->width + ix];\n"
    "                        }\n"
    "                *y++ = s[f] * sum + b[f];\n"};
static const char convolution_begin[] =
    "{\n"
    "    for (size_t f = 0; f < filters; f++, W += w->channels * w->rows * w->columns)\n"
    "        for (size_t oy = 0; oy < w->out_height; oy++)\n"
    "            for (size_t ox = 0; ox < w->out_width; ox++) {\n"
    "                float sum = 0;\n"
    "                for (size_t c = 0; c < w->channels; c++)\n"
    "                    for (size_t fy = 0; fy < w->rows; fy++)\n"
    "                        for (size_t fx = 0; fx < w->columns; fx++) {\n"
    "                            const size_t iy = oy * w->stride_y + fy - w->pad_y,\n"
    "                                         ix = ox * w->stride_x + fx - w->pad_x;\n"
    "                            if (iy >= w->height || ix >= w->width) continue; /* padding */\n";
static const char convolution_end[] = "            }\n}\n\n";

#define POOL_BEGIN(name)                                                        \
    "static void " name "(const struct window *w, const float *x, float *y)\n"  \
    "{\n"                                                                       \
    "    for (size_t c = 0; c < w->channels; c++, x += w->height * w->width)\n" \
    "        for (size_t oy = 0; oy < w->out_height; oy++)\n"                   \
    "            for (size_t ox = 0; ox < w->out_width; ox++) {\n"
#define POOL_PIXEL                                                                  \
    "                for (size_t fy = 0; fy < w->rows; fy++)\n"                     \
    "                    for (size_t fx = 0; fx < w->columns; fx++) {\n"            \
    "                        const size_t iy = oy * w->stride_y + fy - w->pad_y,\n" \
    "                                     ix = ox * w->stride_x + fx - w->pad_x;\n"

static const part pools[] = {
    {"max_pool", POOL_BEGIN("max_pool") "                float most = 0;\n" POOL_PIXEL
                                        "                        float pixel = 0; /* padding */\n"
                                        "                        if (iy < w->height && ix < "
                                        "w->width) pixel = x[iy * w->width + ix];\n"
                                        "                        if ((fy == 0 && fx == 0) || pixel "
                                        "> most) most = pixel;\n"
                                        "                    }\n"
                                        "                *y++ = most;\n"
                                        "            }\n"
                                        "}\n\n"},
    {"average_pool",
     POOL_BEGIN("average_pool") "                float sum = 0;\n" POOL_PIXEL
                                "                        if (iy < w->height && ix < w->width) sum "
                                "+= x[iy * w->width + ix];\n"
                                "                    }\n"
                                "                *y++ = sum / (float)(w->rows * w->columns);\n"
                                "            }\n"
                                "}\n\n"}};

static const char normalize_text[] =
    "/* (x - shift) gain + bias, each for `each` neighbours. */\n"
    "static void normalize(size_t n, size_t each, const float *shift, const float *gain,\n"
    "                      const float *bias, const float *x, float *y)\n"
    "{\n"
    "    for (size_t i = 0; i < n; i++) {\n"
    "        const size_t f = i / each;\n"
    "        const float d = shift ? x[i] - shift[f] : x[i];\n"
    "        y[i] = bias ? d * gain[f] + bias[f] : d * gain[f];\n"
    "    }\n"
    "}\n\n";

#define EACH(name, more, body)                                           \
    "static void " name "(size_t n, " more "const float *x, float *y)\n" \
    "{\n"                                                                \
    "    for (size_t i = 0; i < n; i++) " body "\n"                      \
    "}\n\n"

/* In the order of nb_activation. tanh: near 0, where 1 - 2/(e^2x + 1) has lost its digits, the series.
 * gelu: erf by Abramowitz & Stegun 7.1.26, |error| < 1.5e-7. softplus: log(1 + u) = 2 artanh(u / (2 + u)),
 * 0 < u <= 1, by its series. */
static const part activations[NB_ACTIVATIONS] = {
    {"sigmoid", EACH("sigmoid", "", "y[i] = 1 / (1 + expf(-x[i]));")},
    {"relu", EACH("relu", "", "y[i] = x[i] > 0 ? x[i] : 0;")},
    {"hyperbolic", "/* tanh */\n" EACH("hyperbolic", "",
                                       "{\n"
                                       "        const float v = x[i], u = v * v;\n"
                                       "        y[i] = u < 0.04f ? v * (1 - u * (1 / 3.0f - u * (2 "
                                       "/ 15.0f - u * (17 / 315.0f))))\n"
                                       "                         : 1 - 2 / (expf(2 * v) + 1);\n"
                                       "    }")},
    {"leaky_relu", EACH("leaky_relu", "float slope, ", "y[i] = x[i] > 0 ? x[i] : slope * x[i];")},
    {"elu", EACH("elu", "float alpha, ", "y[i] = x[i] > 0 ? x[i] : alpha * (expf(x[i]) - 1);")},
    {"gelu",
     "/* x (1 + erf(x / sqrt 2)) / 2; Abramowitz & Stegun 7.1.26 */\n" EACH(
         "gelu", "",
         "{\n"
         "        const float v = x[i], a = v < 0 ? -v : v, t = 1 / (1 + 0.23164189f * a);\n"
         "        const float p = t * (0.254829592f + t * (-0.284496736f + t * (1.421413741f +\n"
         "                        t * (-1.453152027f + t * 1.061405429f))));\n"
         "        const float tail = a < 20 ? 0.5f * p * expf(-0.5f * a * a) : 0;\n"
         "        y[i] = v < 0 ? v * tail : v * (1 - tail);\n"
         "    }")},
    {"softplus",
     "/* log(1 + e^x) = max(x, 0) + 2 artanh(u / (2 + u)), u = e^-|x| */\n" EACH(
         "softplus", "",
         "{\n"
         "        const float v = x[i], u = expf(v < 0 ? v : -v), s = u / (2 + u), q = s * s;\n"
         "        const float sum = 1 + q * (1 / 3.0f + q * (1 / 5.0f + q * (1 / 7.0f + q * (1 / "
         "9.0f +\n"
         "                          q * (1 / 11.0f + q * (1 / 13.0f))))));\n"
         "        y[i] = (v > 0 ? v : 0) + 2 * s * sum;\n"
         "    }")},
    {"step", EACH("step", "", "y[i] = x[i] > 0 ? 1.0f : 0.0f;")},
    {"", ""}};

static const part softmax = {"softmax",
                             "static void softmax(size_t n, const float *x, float *y)\n"
                             "{\n"
                             "    float most = x[0], sum = 0;\n"
                             "    for (size_t i = 1; i < n; i++)\n"
                             "        if (x[i] > most) most = x[i];\n"
                             "    for (size_t i = 0; i < n; i++) sum += y[i] = expf(x[i] - most);\n"
                             "    for (size_t i = 0; i < n; i++) y[i] /= sum;\n"
                             "}\n\n"};

const char *nb_part_name(const nb_export_step *s)
{
    switch (s->kind) {
    case NB_STEP_DENSE:
        return "dense";
    case NB_STEP_CONVOLUTION:
        return "convolution";
    case NB_STEP_MAX_POOL:
    case NB_STEP_AVERAGE_POOL:
        return pools[s->kind - NB_STEP_MAX_POOL].name;
    case NB_STEP_NORMALIZE:
        return "normalize";
    case NB_STEP_ACTIVATION:
        return activations[s->activation].name;
    default:
        return softmax.name;
    }
}

bool nb_part_is_name(const char *name)
{
    nb_export_step s = {0};
    for (; s.kind < NB_STEP_KINDS; s.kind++)
        for (s.activation = 0; s.activation < NB_ACTIVATIONS; s.activation++)
            if (strcmp(name, nb_part_name(&s)) == 0) return true;
    return false;
}

bool nb_part_takes_value(const nb_export_step *s)
{
    return s->kind == NB_STEP_ACTIVATION &&
           (s->activation == NB_LEAKY_RELU || s->activation == NB_ELU);
}

bool nb_parts_need_exp(const nb_export_steps *steps)
{
    for (size_t i = 0; i < steps->count; i++) {
        const nb_export_step *s = &steps->step[i];
        if (s->kind == NB_STEP_SOFTMAX ||
            (s->kind == NB_STEP_ACTIVATION && strstr(activations[s->activation].text, "expf")))
            return true;
    }
    return false;
}

static void write_part(FILE *to, const nb_export_step *s, bool int8)
{
    switch (s->kind) {
    case NB_STEP_DENSE:
        fputs(dense_text[int8], to);
        break;
    case NB_STEP_CONVOLUTION:
        fprintf(to, "%s%s%s%s", convolution_text[int8], convolution_begin, tap_text[int8],
                convolution_end);
        break;
    case NB_STEP_MAX_POOL:
    case NB_STEP_AVERAGE_POOL:
        fputs(pools[s->kind - NB_STEP_MAX_POOL].text, to);
        break;
    case NB_STEP_NORMALIZE:
        fputs(normalize_text, to);
        break;
    case NB_STEP_ACTIVATION:
        fputs(activations[s->activation].text, to);
        break;
    default:
        fputs(softmax.text, to);
    }
}

void nb_parts_write(FILE *to, const nb_export_steps *steps, bool int8)
{
    bool windows = false;
    for (size_t i = 0; i < steps->count; i++) windows |= steps->step[i].window.rows > 0;
    if (windows) fputs(window_text, to);
    for (size_t i = 0; i < steps->count; i++) {
        bool written = false;
        for (size_t k = 0; k < i && !written; k++)
            written = !strcmp(nb_part_name(&steps->step[k]), nb_part_name(&steps->step[i]));
        if (!written) write_part(to, &steps->step[i], int8);
    }
}
