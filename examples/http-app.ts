/**
 * An application on `node:http` over sockets of the ring: routes, JSON, a body, a stream.
 * Everything above the socket is Node's own.
 *
 *   node dist/examples/http-app.js --port 8080      then:  curl http://127.0.0.1:8080/metrics
 */

import { createServer } from 'node:http';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { Readable } from 'node:stream';
import { runtime, TcpListener, toDuplex } from 'onering';
import { readArguments } from './arguments.ts';

const BODY_SIZE_MAX = 1024 * 1024;

type Route = (request: IncomingMessage, response: ServerResponse) => void | Promise<void>;

function sendJson(response: ServerResponse, status: number, value: unknown): void {
  response.writeHead(status, { 'content-type': 'application/json' });
  response.end(JSON.stringify(value));
}

async function bodyOf(request: IncomingMessage): Promise<string> {
  const chunks: Buffer[] = [];
  let size = 0;
  for await (const chunk of request as AsyncIterable<Buffer>) {
    size += chunk.length;
    if (size > BODY_SIZE_MAX) throw new RangeError('The body is too large');
    chunks.push(chunk);
  }
  return Buffer.concat(chunks).toString();
}

const routes: Readonly<Record<string, Route>> = {
  'GET /': (_request, response) => void response.end('hello from the ring\n'),
  'GET /metrics': (_request, response) => sendJson(response, 200, runtime().metrics()),
  'GET /count': (_request, response) => {
    Readable.from(Array.from({ length: 10 }, (_, i) => `${i}\n`)).pipe(response);
  },
  'POST /echo': async (request, response) => {
    sendJson(response, 200, { received: JSON.parse(await bodyOf(request)) as unknown });
  },
};

async function handle(request: IncomingMessage, response: ServerResponse): Promise<void> {
  try {
    const route = routes[`${request.method} ${request.url}`];
    if (route === undefined) sendJson(response, 404, { error: 'not found' });
    else await route(request, response);
  } catch (error) {
    sendJson(response, 400, { error: String(error) });
  }
}

const { port } = readArguments({ port: '8080' });
const server = createServer((request, response) => void handle(request, response));
const listener = await TcpListener.listen({ hostname: '127.0.0.1', port: Number(port) });
console.log(`listening on ${listener.address().port}`);
for await (const stream of listener) server.emit('connection', toDuplex(stream));
