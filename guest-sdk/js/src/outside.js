// Stands for the host where there is none, as in a unit test under Node: importing works, asking throws.

function nobody(name) {
  const refuse = () => {
    throw new Error(`there is no host to ask here (${name})`);
  };
  return new Proxy(function () {}, { get: (_, part) => nobody(String(part)), apply: refuse, construct: refuse });
}

export default nobody("host");
