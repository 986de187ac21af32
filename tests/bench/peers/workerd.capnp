# workerd with one Durable Object, in memory. The port is given on the command line.
using Workerd = import "/workerd/workerd.capnp";

const config :Workerd.Config = (
  services = [ (name = "echo", worker = .echo) ],
  sockets = [ (name = "http", address = "127.0.0.1:0", http = (), service = "echo") ],
);

const echo :Workerd.Worker = (
  compatibilityDate = "2026-11-01",
  modules = [ (name = "workerd.js", esModule = embed "workerd.js") ],
  durableObjectNamespaces = [ (className = "Echo", uniqueKey = "holdline-peers") ],
  durableObjectStorage = (inMemory = void),
  bindings = [ (name = "ECHO", durableObjectNamespace = "Echo") ],
);
