// Node's own HTTP parser (llhttp) on bytes alone: frames of [1 byte: Q request, S response][4 bytes: length][bytes] come
// on the standard input, and each is answered by one line of JSON.
'use strict';
const { HTTPParser, methods } = require('_http_common');

function parse(kind, bytes) {
  const messages = [];
  let current;
  const parser = new HTTPParser();
  parser.initialize(kind === 0x51 ? HTTPParser.REQUEST : HTTPParser.RESPONSE, {}, 65536);
  parser[HTTPParser.kOnMessageBegin | 0] = () => {
    current = undefined;
  };
  const begin = () => {
    if (!current) {
      current = { method: '', target: '', status: 0, minor: 0, headers: [], trailers: [], body: '', headed: false, done: false, upgrade: false };
      messages.push(current);
    }
    return current;
  };
  parser[HTTPParser.kOnHeaders | 0] = (headers, url) => {
    const to = begin();
    (to.headed ? to.trailers : to.headers).push(...headers);
    if (!to.headed) to.target += url;
  };
  parser[HTTPParser.kOnHeadersComplete | 0] = (major, minor, headers, method, url, status, reason, upgrade) => {
    const to = begin();
    if (headers) to.headers.push(...headers);
    if (url) to.target += url;
    to.method = method === undefined ? '' : methods[method];
    to.status = status === undefined ? 0 : status;
    to.minor = minor;
    to.upgrade = Boolean(upgrade);
    to.headed = true;
    return 0;
  };
  parser[HTTPParser.kOnBody | 0] = (data) => {
    begin().body += data.toString('latin1');
  };
  parser[HTTPParser.kOnMessageComplete | 0] = () => {
    begin().done = true;
  };
  // After what asks for an upgrade llhttp stops, and tells no errors; a server that does not upgrade goes on.
  let error = '';
  for (let at = 0; at < bytes.length && !error; ) {
    const taken = parser.execute(bytes.subarray(at));
    if (taken instanceof Error) {
      error = `${taken.code}: ${taken.reason}`;
    } else if (taken === 0 || (at + taken < bytes.length && !(current && current.done))) {
      error = 'stopped';
    } else {
      at += taken;
    }
  }
  return { messages: messages.filter((m) => m.headed), error };
}

let pending = Buffer.alloc(0);
process.stdin.on('data', (data) => {
  pending = Buffer.concat([pending, data]);
  let at = 0;
  let out = '';
  while (pending.length - at >= 5) {
    const length = pending.readUInt32BE(at + 1);
    if (pending.length - at < 5 + length) break;
    out += JSON.stringify(parse(pending[at], pending.subarray(at + 5, at + 5 + length))) + '\n';
    at += 5 + length;
  }
  pending = pending.subarray(at);
  // Latin-1 letters as escapes: what reads this takes the bytes for characters.
  if (out) process.stdout.write(out.replace(/[\u007f-\uffff]/g, (c) => '\\u' + c.charCodeAt(0).toString(16).padStart(4, '0')));
});
