// A program of Node meets a local platform where it thinks to meet Bandwidth, without a change to its code:
//   NODE_OPTIONS="--require ./docs/to-local.cjs" node program.js
// WORKBENCH_LOCAL_URL says where the platform is, by default http://127.0.0.1:8010.
// Taken are requests by http, https (so by axios and the official packages) and fetch; all other hosts are left alone.
'use strict';

const http = require('node:http');
const https = require('node:https');
const { syncBuiltinESMExports } = require('node:module');

const HOSTS = new Set(['voice.bandwidth.com', 'api.bandwidth.com', 'api.webrtc.bandwidth.com']);
const local = new URL(process.env.WORKBENCH_LOCAL_URL || 'http://127.0.0.1:8010');
const taken = (host) => HOSTS.has(String(host || '').toLowerCase().replace(/\.$/, ''));

// What a request is for, however it was called: (url), (url, options), (options). With a proxy the path holds the whole URL.
function asked(first, second) {
  const given = typeof first === 'string' || first instanceof URL;
  const options = { ...((given ? second : first) || {}) };
  if (given) {
    const url = new URL(first);
    Object.assign(options, { hostname: url.hostname, path: url.pathname + url.search, ...options });
    if (url.username) options.auth ??= `${decodeURIComponent(url.username)}:${decodeURIComponent(url.password)}`;
  }
  let host = options.hostname || String(options.host || '').replace(/:\d+$/, '');
  if (/^https?:\/\//.test(options.path || '')) {
    const whole = new URL(options.path);
    if (taken(whole.hostname)) [host, options.path] = [whole.hostname, whole.pathname + whole.search];
  }
  return { host, options };
}

function moved(options) {
  const headers = Array.isArray(options.headers) ? options.headers : { ...options.headers };
  for (const name of Object.keys(headers)) if (name.toLowerCase() === 'host') delete headers[name];
  const there = { protocol: 'http:', hostname: local.hostname.replace(/^\[|\]$/g, ''), port: local.port || 80, defaultPort: 80 };
  // an agent for TLS cannot speak plainly
  return { ...options, ...there, headers, host: undefined, agent: undefined, agents: undefined };
}

const plain = http.request;
for (const [module, name] of [[http, 'request'], [http, 'get'], [https, 'request'], [https, 'get']]) {
  const original = module[name];
  module[name] = function (first, ...rest) {
    const callback = [first, ...rest].find((one) => typeof one === 'function');
    const { host, options } = asked(first, typeof rest[0] === 'object' ? rest[0] : undefined);
    if (!taken(host)) return original.call(this, first, ...rest);
    const request = plain(moved(options), callback);
    if (name === 'get') request.end();
    return request;
  };
}
syncBuiltinESMExports();

if (globalThis.fetch) {
  const original = globalThis.fetch;
  globalThis.fetch = function (input, init) {
    const url = new URL(input instanceof Request ? input.url : input);
    if (!taken(url.hostname)) return original(input, init);
    const there = new URL(url.pathname + url.search, local);
    return input instanceof Request ? original(new Request(there, input), init) : original(there, init);
  };
}
