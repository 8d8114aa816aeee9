// onnx_predict.js [MODEL FILE.x FILE.answers]... - what onnxruntime answers to samples as numbers. Exits with 77
// where npm's onnxruntime-node and onnxruntime-web are both missing.
"use strict";
const fs = require("fs");

function runtime() {
  for (const name of ["onnxruntime-node", "onnxruntime-web"]) {
    try {
      return require(name);
    } catch (error) {
      if (error.code !== "MODULE_NOT_FOUND") console.error(`${name}: ${error.message}`);
    }
  }
  process.exit(77);
}

async function predict(ort, model, samples, answers) {
  const session = await ort.InferenceSession.create(fs.readFileSync(model));
  const numbers = fs.readFileSync(samples, "utf8").trim().split(/\s+/).map(Number);
  const shape = session.inputMetadata ? session.inputMetadata[0].shape.slice(1) : null;
  const rows = fs.readFileSync(samples, "utf8").trim().split("\n").length;
  const x = new ort.Tensor("float32", Float32Array.from(numbers), [rows, ...(shape || [numbers.length / rows])]);
  const y = (await session.run({input: x})).output, width = y.dims[1], lines = [];
  if (y.dims.length !== 2 || y.dims[0] !== rows) throw new Error(`${model}: output of ${y.dims}`);
  for (let i = 0; i < rows; i++) lines.push(Array.from(y.data.slice(i * width, (i + 1) * width)).join(" "));
  fs.writeFileSync(answers, lines.join("\n") + "\n");
}

(async () => {
  const ort = runtime(), files = process.argv.slice(2);
  for (let i = 0; i < files.length; i += 3) await predict(ort, files[i], files[i + 1], files[i + 2]);
})().catch(error => {
  console.error(error.message);
  process.exit(1);
});
