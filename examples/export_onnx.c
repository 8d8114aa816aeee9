/* A model as ONNX, opset 13, by protobuf-c; https://onnx.ai has what each operator does. */
#include "export.h"
#include "onnx.pb-c.h"

#include <float.h>
#include <string.h>

/* NODES and CONSTANTS: the most of one step. */
enum { NAME = 32, INPUTS = 3, ATTRIBUTES = 3, NODES = 7, CONSTANTS = 5, OPSET = 13, IR = 7 };

typedef struct node {
    Onnx__NodeProto proto;
    char *input[INPUTS], *output[1], type[NAME], inputs[INPUTS][NAME], outputs[NAME];
    Onnx__AttributeProto attribute[ATTRIBUTES], *attributes[ATTRIBUTES];
    char names[ATTRIBUTES][NAME];
    int64_t ints[ATTRIBUTES][4];
} node;

typedef struct constant {
    Onnx__TensorProto proto;
    char name[NAME];
    int64_t dims[NB_MAX_DIMS], whole[NB_MAX_DIMS];
    float one;
} constant;

/* Nodes in order, each working on what the one before left. */
typedef struct writer {
    const nb_export_steps *steps;
    node *node;
    constant *constant;
    size_t nodes, constants;
    nb_shape shape; /* of the value so far, of one sample */
    char now[NAME]; /* its name */
} writer;

/* --- nodes ------------------------------------------------------------------------------------ */

static char *name_it(char name[NAME], const char *text, size_t number)
{
    nb_snprintf(name, NAME, "%s%zu", text, number);
    return name;
}

static void add_input(node *n, const char *name)
{
    const size_t i = n->proto.n_input++;
    nb_snprintf(n->inputs[i], NAME, "%s", name);
    n->input[i] = n->inputs[i];
}

/* Of the value so far, which its result takes the place of. */
static node *add_node(writer *w, const char *type)
{
    node *n = &w->node[w->nodes];
    onnx__node_proto__init(&n->proto);
    n->proto.input = n->input;
    n->proto.output = n->output;
    n->proto.attribute = n->attributes;
    nb_snprintf(n->type, NAME, "%s", type);
    n->proto.op_type = n->type;
    add_input(n, w->now);
    n->proto.n_output = 1;
    n->output[0] = name_it(n->outputs, "value_", ++w->nodes);
    nb_snprintf(w->now, NAME, "%s", n->outputs);
    return n;
}

static Onnx__AttributeProto *add_attribute(node *n, const char *name, size_t *at)
{
    *at = n->proto.n_attribute++;
    Onnx__AttributeProto *a = n->attributes[*at] = &n->attribute[*at];
    onnx__attribute_proto__init(a);
    nb_snprintf(n->names[*at], NAME, "%s", name);
    a->name = n->names[*at];
    a->has_type = 1;
    return a;
}

static void add_float(node *n, const char *name, double value)
{
    size_t at;
    Onnx__AttributeProto *a = add_attribute(n, name, &at);
    a->type = ONNX__ATTRIBUTE_PROTO__ATTRIBUTE_TYPE__FLOAT;
    a->has_f = 1;
    a->f = (float)value;
}

static void add_int(node *n, const char *name, int64_t value)
{
    size_t at;
    Onnx__AttributeProto *a = add_attribute(n, name, &at);
    a->type = ONNX__ATTRIBUTE_PROTO__ATTRIBUTE_TYPE__INT;
    a->has_i = 1;
    a->i = value;
}

static void add_ints(node *n, const char *name, size_t count, const size_t *value)
{
    size_t at;
    Onnx__AttributeProto *a = add_attribute(n, name, &at);
    a->type = ONNX__ATTRIBUTE_PROTO__ATTRIBUTE_TYPE__INTS;
    a->n_ints = count;
    a->ints = n->ints[at];
    for (size_t i = 0; i < count; i++) a->ints[i] = (int64_t)value[i];
}

/* --- constants -------------------------------------------------------------------------------- */

static constant *add_constant(writer *w, int32_t type, nb_shape shape, const void *data,
                              size_t bytes)
{
    constant *c = &w->constant[w->constants];
    onnx__tensor_proto__init(&c->proto);
    c->proto.name = name_it(c->name, "constant_", ++w->constants);
    c->proto.n_dims = shape.ndim;
    c->proto.dims = c->dims;
    for (size_t d = 0; d < shape.ndim; d++) c->dims[d] = (int64_t)shape.dim[d];
    c->proto.has_data_type = 1;
    c->proto.data_type = type;
    c->proto.has_raw_data = 1;
    c->proto.raw_data = (ProtobufCBinaryData){bytes, (uint8_t *)(uintptr_t)data};
    return c;
}

static void add_floats(writer *w, node *n, nb_shape shape, const float *data)
{
    size_t count = 1;
    for (size_t d = 0; d < shape.ndim; d++) count *= shape.dim[d];
    add_input(n,
              add_constant(w, ONNX__TENSOR_PROTO__DATA_TYPE__FLOAT, shape, data, 4 * count)->name);
}

/* Little-endian, on any processor. */
static void to_bytes(uint64_t value, size_t size, void *to)
{
    unsigned char bytes[8];
    for (size_t b = 0; b < size; b++) bytes[b] = (unsigned char)(value >> 8 * b);
    memcpy(to, bytes, size);
}

static void turn_numbers(size_t n, float *x)
{
    for (size_t i = 0; i < n; i++) {
        uint32_t bits;
        memcpy(&bits, &x[i], sizeof bits);
        to_bytes(bits, sizeof bits, &x[i]);
    }
}

static void add_number(writer *w, node *n, double value)
{
    constant *c = add_constant(w, ONNX__TENSOR_PROTO__DATA_TYPE__FLOAT, NB_SCALAR, NULL, 4);
    c->one = (float)value;
    turn_numbers(1, &c->one);
    c->proto.raw_data.data = (uint8_t *)&c->one;
    add_input(n, c->name);
}

static void add_wholes(writer *w, node *n, size_t count, const size_t *value)
{
    constant *c =
        add_constant(w, ONNX__TENSOR_PROTO__DATA_TYPE__INT64, NB_SHAPE(count), NULL, 8 * count);
    for (size_t i = 0; i < count; i++) to_bytes(value[i], 8, &c->whole[i]);
    c->proto.raw_data.data = (uint8_t *)c->whole;
    add_input(n, c->name);
}

/* --- steps ------------------------------------------------------------------------------------ */

static void write_dense(writer *w, const nb_export_step *s)
{
    node *n = add_node(w, "Gemm");
    add_floats(w, n, NB_SHAPE(s->outputs, s->inputs), s->W);
    if (s->b) add_floats(w, n, NB_SHAPE(s->outputs), s->b);
    add_int(n, "transB", 1);
}

/* ONNX pads with what is less than any pixel before a maximum; here padding is 0. */
static void write_window(writer *w, const nb_export_step *s, const char *type)
{
    const nb_window *v = &s->window;
    const size_t pads[] = {v->pad_y, v->pad_x, v->pad_y, v->pad_x};
    const bool padded = v->pad_y || v->pad_x;
    if (padded && !s->W) {
        node *pad = add_node(w, "Pad");
        add_wholes(w, pad, 8, (const size_t[]){0, 0, v->pad_y, v->pad_x, 0, 0, v->pad_y, v->pad_x});
        /* Changes nothing, but onnxruntime 1.30 moves a Pad into the pooling after it. */
        add_number(w, add_node(w, "Max"), -(double)FLT_MAX);
    }
    node *n = add_node(w, type);
    if (s->W) {
        add_floats(w, n, NB_SHAPE(s->out.dim[0], v->channels, v->rows, v->columns), s->W);
        add_floats(w, n, NB_SHAPE(s->out.dim[0]), s->b);
        add_ints(n, "pads", 4, pads);
    }
    add_ints(n, "kernel_shape", 2, (const size_t[]){v->rows, v->columns});
    add_ints(n, "strides", 2, (const size_t[]){v->stride_y, v->stride_x});
}

/* A number for each feature, in a shape that ONNX repeats over the rest. */
static void write_normalize(writer *w, const nb_export_step *s)
{
    nb_shape shape = s->in;
    if (s->features == 1) shape = NB_SHAPE(1);
    if (s->features != 1 && s->features != s->inputs)
        for (size_t d = 1; d < shape.ndim; d++) shape.dim[d] = 1;
    if (s->shift) add_floats(w, add_node(w, "Sub"), shape, s->shift);
    add_floats(w, add_node(w, "Mul"), shape, s->gain);
    if (s->bias) add_floats(w, add_node(w, "Add"), shape, s->bias);
}

/* x (1 + erf(x / sqrt 2)) / 2: the operator Gelu is of opset 20. */
static void write_gelu(writer *w)
{
    char x[NAME];
    memcpy(x, w->now, NAME);
    add_number(w, add_node(w, "Mul"), 0.70710678118654752);
    add_node(w, "Erf");
    add_number(w, add_node(w, "Add"), 1);
    add_input(add_node(w, "Mul"), x);
    add_number(w, add_node(w, "Mul"), 0.5);
}

static void write_activation(writer *w, const nb_export_step *s)
{
    static const char *const types[NB_ACTIVATIONS] = {
        "Sigmoid", "Relu", "Tanh", "LeakyRelu", "Elu", "", "Softplus", "", "Identity"};
    if (s->activation == NB_GELU) {
        write_gelu(w);
    } else if (s->activation == NB_STEP) {
        add_number(w, add_node(w, "Greater"), 0);
        add_int(add_node(w, "Cast"), "to", ONNX__TENSOR_PROTO__DATA_TYPE__FLOAT);
    } else {
        node *n = add_node(w, types[s->activation]);
        if (s->activation == NB_LEAKY_RELU || s->activation == NB_ELU)
            add_float(n, "alpha", s->value);
    }
}

static void write_step(writer *w, const nb_export_step *s)
{
    if (!nb_shape_equal(w->shape, s->kind == NB_STEP_DENSE ? NB_SHAPE(s->inputs) : s->in))
        add_int(add_node(w, "Flatten"), "axis", 1);
    switch (s->kind) {
    case NB_STEP_DENSE:
        write_dense(w, s);
        break;
    case NB_STEP_CONVOLUTION:
        write_window(w, s, "Conv");
        break;
    case NB_STEP_MAX_POOL:
        write_window(w, s, "MaxPool");
        break;
    case NB_STEP_AVERAGE_POOL:
        write_window(w, s, "AveragePool");
        break;
    case NB_STEP_NORMALIZE:
        write_normalize(w, s);
        break;
    case NB_STEP_ACTIVATION:
        write_activation(w, s);
        break;
    default:
        add_int(add_node(w, "Softmax"), "axis", 1);
    }
    w->shape = s->out;
}

/* --- the file --------------------------------------------------------------------------------- */

/* An input or output: (N, ...) numbers. */
typedef struct value {
    Onnx__ValueInfoProto proto, *list[1];
    Onnx__TypeProto type;
    Onnx__TypeProto__Tensor tensor;
    Onnx__TensorShapeProto shape;
    Onnx__TensorShapeProto__Dimension dim[NB_MAX_DIMS], *dims[NB_MAX_DIMS];
} value;

static void make_value(value *v, char *name, nb_shape sample)
{
    static char batch[] = "N";
    onnx__value_info_proto__init(&v->proto);
    onnx__type_proto__init(&v->type);
    onnx__type_proto__tensor__init(&v->tensor);
    onnx__tensor_shape_proto__init(&v->shape);
    v->list[0] = &v->proto;
    v->proto.name = name;
    v->proto.type = &v->type;
    v->type.value_case = ONNX__TYPE_PROTO__VALUE_TENSOR_TYPE;
    v->type.tensor_type = &v->tensor;
    v->tensor.has_elem_type = 1;
    v->tensor.elem_type = ONNX__TENSOR_PROTO__DATA_TYPE__FLOAT;
    v->tensor.shape = &v->shape;
    v->shape.n_dim = sample.ndim + 1;
    v->shape.dim = v->dims;
    for (size_t d = 0; d <= sample.ndim; d++) {
        onnx__tensor_shape_proto__dimension__init(v->dims[d] = &v->dim[d]);
        v->dim[d].value_case = d ? ONNX__TENSOR_SHAPE_PROTO__DIMENSION__VALUE_DIM_VALUE
                                 : ONNX__TENSOR_SHAPE_PROTO__DIMENSION__VALUE_DIM_PARAM;
        if (d)
            v->dim[d].dim_value = (int64_t)sample.dim[d - 1];
        else
            v->dim[d].dim_param = batch;
    }
}

static nb_status save(const Onnx__ModelProto *model, const char *path)
{
    const size_t size = onnx__model_proto__get_packed_size(model);
    nb_file file = {0};
    if (size > INT32_MAX)
        return nb_fail(NB_ERANGE, "%s: %zu bytes, an ONNX file has at most %ld",
                       nb_file_label(path), size, (long)INT32_MAX);
    uint8_t *bytes = nb_alloc(size, 1);
    if (!bytes) return NB_ENOMEM;
    onnx__model_proto__pack(model, bytes);
    nb_status status = nb_file_begin(&file, path);
    if (!status) status = nb_file_write(&file, bytes, size);
    if (!status) status = nb_file_commit(&file);
    nb_file_abort(&file);
    nb_free(bytes);
    return status;
}

/* The names of the classes, one a line, with spaces for line breaks of their own; a block for nb_free,
 * NULL where there are none. */
static nb_status join_classes(const nb_export_steps *s, char **text)
{
    size_t size = 1;
    *text = NULL;
    if (!s->classes) return NB_OK;
    for (size_t i = 0; i < s->outputs; i++) size += strlen(s->classes[i]) + 1;
    char *to = *text = nb_alloc(size, 1);
    if (!to) return NB_ENOMEM;
    for (size_t i = 0; i < s->outputs; i++) {
        for (const char *c = s->classes[i]; *c; c++) *to++ = strchr("\n\r", *c) ? ' ' : *c;
        *to++ = i + 1 < s->outputs ? '\n' : 0;
    }
    return NB_OK;
}

static nb_status write_graph(writer *w, Onnx__NodeProto **nodes, Onnx__TensorProto **constants,
                             const char *path, const char *note)
{
    static char input[] = "input", output[] = "output", name[] = "nablas", key[] = "classes",
                domain[] = "",
                plain[] = "input: samples as the training data were before any scaling";
    char version[NAME];
    value in, out;
    Onnx__ModelProto model = ONNX__MODEL_PROTO__INIT;
    Onnx__GraphProto graph = ONNX__GRAPH_PROTO__INIT;
    Onnx__OperatorSetIdProto opset = ONNX__OPERATOR_SET_ID_PROTO__INIT, *opsets[] = {&opset};
    Onnx__StringStringEntryProto classes = ONNX__STRING_STRING_ENTRY_PROTO__INIT,
                                 *entries[] = {&classes};
    nb_status status = join_classes(w->steps, &classes.value);
    if (status) return status;
    make_value(&in, input, w->steps->input);
    make_value(&out, output, NB_SHAPE(w->steps->outputs));
    for (size_t i = 0; i < w->nodes; i++) nodes[i] = &w->node[i].proto;
    for (size_t i = 0; i < w->constants; i++) constants[i] = &w->constant[i].proto;
    w->node[w->nodes - 1].output[0] = output;
    graph.name = name;
    graph.n_node = w->nodes;
    graph.node = nodes;
    graph.n_initializer = w->constants;
    graph.initializer = constants;
    graph.n_input = graph.n_output = 1;
    graph.input = in.list;
    graph.output = out.list;
    opset.domain = domain;
    opset.has_version = model.has_ir_version = 1;
    opset.version = OPSET;
    model.ir_version = IR;
    model.producer_name = name;
    nb_snprintf(version, NAME, "%s", nb_version());
    model.producer_version = version;
    model.doc_string = note ? (char *)(uintptr_t)note : plain;
    model.graph = &graph;
    model.n_opset_import = 1;
    model.opset_import = opsets;
    classes.key = key;
    model.n_metadata_props = classes.value ? 1 : 0;
    model.metadata_props = entries;
    status = save(&model, path);
    nb_free(classes.value);
    return status;
}

nb_status export_onnx(const nb_model *m, const char *path, const char *note)
{
    nb_export_steps steps;
    nb_status status = nb_export_steps_create(&steps, m);
    if (status) return status;
    writer w = {.steps = &steps, .shape = steps.input, .now = "input"};
    const size_t count = steps.count + 1;
    w.node = nb_alloc(NODES * count, sizeof *w.node);
    w.constant = nb_alloc(CONSTANTS * count, sizeof *w.constant);
    Onnx__NodeProto **nodes = nb_alloc(NODES * count, sizeof(void *));
    Onnx__TensorProto **constants = nb_alloc(CONSTANTS * count, sizeof(void *));
    if (w.node && w.constant && nodes && constants) {
        memset(w.node, 0, NODES * count * sizeof *w.node);
        turn_numbers(steps.numbers, steps.block);
        for (size_t i = 0; i < steps.count; i++) write_step(&w, &steps.step[i]);
        if (!nb_shape_equal(w.shape, NB_SHAPE(steps.outputs)))
            add_int(add_node(&w, "Flatten"), "axis", 1);
        if (w.nodes == 0) add_node(&w, "Identity");
        status = write_graph(&w, nodes, constants, path, note);
    } else {
        status = NB_ENOMEM;
    }
    nb_free(w.node);
    nb_free(w.constant);
    nb_free((void *)nodes);
    nb_free((void *)constants);
    nb_export_steps_destroy(&steps);
    return status;
}
