// Writes down every call between JavaScript and wasm. Must be imported before the wasm is instantiated.
const crossings = (globalThis.crossings = []);

const noted = (direction, name, call) =>
  function (...parameters) {
    crossings.push(`${direction} ${name.replace(/^__wbg_(.*)_[0-9a-f]{16}$/, "$1")}`);
    return call.apply(this, parameters);
  };

const each = (functions, direction) =>
  Object.fromEntries(
    Object.entries(functions).map(([name, value]) => [name, typeof value === "function" ? noted(direction, name, value) : value]),
  );

const { Instance } = WebAssembly;
WebAssembly.Instance = class {
  constructor(module, imports) {
    const wrapped = Object.fromEntries(Object.entries(imports).map(([name, functions]) => [name, each(functions, "to js  ")]));
    this.exports = each(new Instance(module, wrapped).exports, "to wasm");
  }
};
