// keras_check.js [NAME]... in a folder: of each NAME.keras.safetensors that `export --layout keras` wrote, the
// keras.Sequential of its text "keras" as TensorFlow.js has it, what that answers to the samples NAME.x
// (NAME.keras_y), the model with other weights under other names (NAME.there.safetensors) and what that
// answers (NAME.there_y). Exits with 77 without npm's @tensorflow/tfjs.
"use strict";
const fs = require("fs");

function library() {
  const warn = console.warn;
  console.warn = () => {}; // it recommends another package
  try {
    return require("@tensorflow/tfjs");
  } catch (error) {
    if (error.code !== "MODULE_NOT_FOUND") console.error(error.message);
    process.exit(77);
  } finally {
    setTimeout(() => { console.warn = warn; });
  }
}
const tf = library();

// --- files ---------------------------------------------------------------------------------------

function read(path) {
  const bytes = fs.readFileSync(path), size = Number(bytes.readBigUInt64LE(0));
  const header = JSON.parse(bytes.toString("utf8", 8, 8 + size)), texts = header.__metadata__ || {};
  const arrays = new Map();
  delete header.__metadata__;
  for (const [name, {dtype, shape, data_offsets: [from, to]}] of Object.entries(header)) {
    const wide = dtype === "F64", data = bytes.subarray(8 + size + from, 8 + size + to);
    if (!wide && dtype !== "F32") throw new Error(`${name}: ${dtype}`);
    const numbers = Array.from({length: data.length / (wide ? 8 : 4)},
      (_, i) => wide ? data.readDoubleLE(8 * i) : data.readFloatLE(4 * i));
    arrays.set(name, {shape, numbers});
  }
  return {arrays, texts};
}

function write(path, arrays) { // in the order of bytes: "dense_10" before "dense_8"
  const header = {}, parts = [];
  let at = 0;
  for (const [name, {shape, numbers}] of [...arrays].sort(([a], [b]) => (a < b ? -1 : 1))) {
    header[name] = {dtype: "F32", shape, data_offsets: [at, at += 4 * numbers.length]};
    parts.push(Buffer.from(Float32Array.from(numbers).buffer));
  }
  const text = Buffer.from(JSON.stringify(header)), size = Buffer.alloc(8);
  size.writeBigUInt64LE(BigInt(text.length));
  fs.writeFileSync(path, Buffer.concat([size, text, ...parts]));
}

// --- layers that TensorFlow.js does not have, or not all of --------------------------------------

class Own extends tf.layers.Layer {
  constructor(config) {
    super(config);
    this.value = config.value;
  }
  computeOutputShape(shape) { return shape; }
  call(inputs) { return tf.tidy(() => this.of(Array.isArray(inputs) ? inputs[0] : inputs)); }
  static get className() { return this.name; }
}
class Step extends Own {
  of(x) { return x.greater(0).toFloat(); }
}
class Leaky extends Own {
  of(x) { return x.maximum(0).add(x.minimum(0).mul(this.value)); }
}
class ELU extends Own { // TensorFlow.js has it for 1 alone
  of(x) { return x.maximum(0).add(x.minimum(0).expm1().mul(this.value)); }
}
class BookDropout extends Own {
  of(x) { return x.mul(1 - this.value); }
}
class Gelu extends Own {
  of(x) { return x.mul(0.5).mul(x.div(Math.SQRT2).erf().add(1)); }
}
class Standardize extends Own {
  build(shape) {
    this.center = this.addWeight("center", shape.slice(1), "float32", tf.initializers.zeros(), null, false);
    this.deviation = this.addWeight("deviation", shape.slice(1), "float32", tf.initializers.ones(), null, false);
    this.built = true;
  }
  of(x) { return x.sub(this.center.read()).div(this.deviation.read()); }
}

// By the class in Python: the layer, and how its arguments without a name are called.
const classes = {
  Input: [tf.layers.inputLayer],
  Rescaling: [tf.layers.rescaling, "scale"],
  Dense: [tf.layers.dense, "units"],
  Conv2D: [tf.layers.conv2d, "filters", "kernelSize"],
  MaxPooling2D: [tf.layers.maxPooling2d, "poolSize"],
  AveragePooling2D: [tf.layers.averagePooling2d, "poolSize"],
  ZeroPadding2D: [tf.layers.zeroPadding2d, "padding"],
  BatchNormalization: [tf.layers.batchNormalization],
  Dropout: [tf.layers.dropout, "rate"],
  Flatten: [tf.layers.flatten],
  Reshape: [tf.layers.reshape, "targetShape"],
  Permute: [tf.layers.permute, "dims"],
  LeakyReLU: [tf.layers.leakyReLU, "alpha"],
  Activation: [c => c.activation === "gelu" ? new Gelu(c) : tf.layers.activation(c), "activation"],
  ELU: [c => new ELU(c), "value"],
  Step: [c => new Step(c)],
  Leaky: [c => new Leaky(c), "value"],
  BookDropout: [c => new BookDropout(c), "value"],
  Standardize: [c => new Standardize(c)],
};
const keywords = {shape: "inputShape", strides: "strides", use_bias: "useBias", epsilon: "epsilon",
                  momentum: "momentum", name: "name"};

// --- the Python ----------------------------------------------------------------------------------

// (3, 2), (784,), 1 / 255, False, "dense"
function value(text) {
  const [a, b] = text.split(" / ");
  if (b !== undefined) return Number(a) / Number(b);
  if (/^(True|False)$/.test(text)) return text === "True";
  return JSON.parse(text.replace("(", "[").replace(/,?\)/, "]"));
}

function layer(line) {
  const found = line.match(/^ {4}(?:layers\.|keras\.)?(\w+)\((.*)\),$/);
  if (!found || !classes[found[1]]) throw new Error(`no layer: ${line}`);
  const [make, ...places] = classes[found[1]], config = {};
  for (const part of found[2].match(/(?:[^,(]|\([^)]*\))+/g) || []) {
    const [, keyword, text] = part.trim().match(/^(?:(\w+)=)?(.*)$/);
    const name = keyword ? keywords[keyword] : places.shift();
    if (!name) throw new Error(`no argument: ${part} in ${line}`);
    config[name] = value(text);
  }
  if (places.length) throw new Error(`no ${places[0]} in ${line}`);
  return {made: make(config), kind: found[1], name: config.name};
}

// A layer with weights must be called as Keras would call it in a program that has no other.
function check_name(name, kind, numbers) {
  const snake = kind.replace(/(.)([A-Z][a-z]+)/g, "$1_$2").replace(/([a-z])([A-Z])/g, "$1_$2").toLowerCase();
  const number = numbers[snake] = (numbers[snake] ?? -1) + 1;
  const want = number ? `${snake}_${number}` : snake;
  if (name !== want) throw new Error(`a layer is called ${name}, by Keras ${want}`);
}

function model(python) {
  const lines = python.split("\n"), numbers = {}, made = tf.sequential();
  const from = lines.indexOf("model = keras.Sequential([") + 1, to = lines.indexOf("])");
  if (!from || to < from) throw new Error("no keras.Sequential");
  for (const line of lines.slice(from, to)) {
    const one = layer(line);
    made.add(one.made);
    if (one.made.weights.length) check_name(one.name, one.kind, numbers);
  }
  return made;
}

// --- what it answers ------------------------------------------------------------------------------

function variables(made) {
  const found = new Map();
  for (const part of made.layers)
    for (const w of part.weights) found.set(`${part.name}/${w.originalName.split("/").pop()}`, w);
  return found;
}

function set(made, arrays) {
  const own = variables(made), missing = [...own.keys()].filter(name => !arrays.has(name));
  if (missing.length || own.size !== arrays.size)
    throw new Error(`arrays ${[...arrays.keys()]}, the model has ${[...own.keys()]}`);
  for (const [name, w] of own) {
    const {shape, numbers} = arrays.get(name);
    if (String(shape) !== String(w.shape)) throw new Error(`${name}: ${shape}, not ${w.shape}`);
    w.write(tf.tensor(numbers, shape, "float32"));
  }
}

// The samples have their channels first, as nablas does.
function answer(made, samples, input, path) {
  const rows = fs.readFileSync(samples, "utf8").trim().split("\n").map(line => line.split(" ").map(Number));
  const x = tf.tensor(rows.flat(), [rows.length, ...input], "float32");
  const last = [0, ...input.map((_, d) => d + 1).slice(1), 1];
  const y = made.predict(input.length > 1 ? x.transpose(last) : x).arraySync();
  fs.writeFileSync(path, y.map(row => row.join(" ")).join("\n") + "\n");
}

// The prefix and the ":0" of tf.keras 2, and numbers on from 8.
function elsewhere(name) {
  const [, kind, number, part] = name.match(/^(.*?)(?:_(\d+))?\/(\w+)$/);
  return `sequential_2/${kind}_${Number(number || 0) + 8}/${part}:0`;
}

function check(name) {
  const {arrays, texts} = read(`${name}.keras.safetensors`), made = model(texts.keras);
  const {input} = JSON.parse(texts["nablas.model"]), there = new Map();
  set(made, arrays);
  answer(made, `${name}.x`, input, `${name}.keras_y`);
  for (const array of arrays.values()) array.numbers = array.numbers.map(x => Math.fround(0.8 * x));
  set(made, arrays);
  answer(made, `${name}.x`, input, `${name}.there_y`);
  for (const [key, array] of arrays) there.set(elsewhere(key), array);
  write(`${name}.there.safetensors`, there);
}

(async () => {
  await tf.setBackend("cpu");
  for (const name of process.argv.slice(2)) check(name);
})().catch(error => {
  console.error(error.message);
  process.exit(1);
});
