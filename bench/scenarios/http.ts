/**
 * An HTTP hello-world: Node's own `http` over its sockets and over ours, and who else has a server.
 *
 * The programs answer the same twelve bytes, each by the interface that its manual begins with;
 * nginx hands out a file with them. Every answer is compared.
 */

import { mkdirSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { Child } from '../child.ts';
import { HELLO } from '../drivers/hello.ts';
import { comparison, sampleOfLoad } from '../sampling.ts';
import { bySize } from '../scenario.ts';
import type { Bench, Case, Contender, Sample, Scenario } from '../scenario.ts';
import type { SyscallCounter } from '../syscall-counter.ts';
import { serverContenders, serveOnce } from './serving.ts';
import type { Load } from './serving.ts';

const START_ATTEMPTS = 200;
const ATTEMPT_MS = 20;

export const http: Scenario = {
  name: 'http',
  group: 'sockets',
  summary: 'HTTP hello-world on kept-alive connections',
  cases: (bench) => [httpCase(bench)],
};

function httpCase(bench: Bench): Case {
  const { twins, settings, programs } = bench;
  const connections = settings.connections[0] ?? bySize(settings, 4, 64, 64);
  const load: Load = {
    program: twins.loadHttp ?? '',
    arguments: (port) => [
      ...[port, connections, settings.seconds].map(String),
      '/hello.txt',
      HELLO,
    ],
    reading: {},
  };
  const contenders: Contender[] = [
    ...serverContenders(bench, [
      { name: 'node', family: 'node', driver: 'node/http' },
      { name: 'onering (node:http over it)', family: 'onering', driver: 'onering/http' },
      { name: 'onering/net (node:http over it)', family: 'onering', driver: 'onering/net-http' },
      { name: 'bun', family: 'bun', driver: 'bun/http' },
      { name: 'deno', family: 'deno', driver: 'deno/http' },
    ]),
    {
      name: 'nginx (a file)',
      family: 'nginx',
      command: programs.nginx === null ? null : [programs.nginx.path],
    },
  ];
  return comparison({
    title: `HTTP hello-world, ${connections} kept-alive connections`,
    unit: 'requests/s',
    baselines: ['node'],
    contenders: twins.loadHttp === null ? [] : contenders,
    runSeconds: settings.seconds + settings.serverWarmupSeconds + 0.2,
    run: (contender, counter) =>
      contender.family === 'nginx'
        ? runNginx(bench, contender, { load, counter })
        : serveOnce(bench, contender, load, counter),
  });
}

interface NginxRun {
  readonly load: Load;
  readonly counter: SyscallCounter | null;
}

/** nginx takes a port and does not say when it listens, so somebody has to ask. */
async function runNginx(
  bench: Bench,
  { command }: Contender,
  { load, counter }: NginxRun,
): Promise<Sample> {
  const { settings, pinning } = bench;
  const port = await freePort();
  const folder = join(bench.folder(), 'nginx');
  const configuration = writeConfiguration(folder, port);
  const whole = [...(command ?? []), '-p', folder, '-c', configuration, '-e', 'error.log'];
  const server = new Child(whole, { cpu: pinning?.server ?? null });
  await waitForPort(port);
  const attached = counter === null ? null : await counter.attach(server.pid);
  const times = ['--warmup', String(counter === null ? settings.serverWarmupSeconds : 0)];
  const watched = ['--server-pid', String(server.pid)];
  const client = new Child([load.program, ...load.arguments(port), ...times, ...watched], {
    cpu: pinning?.load ?? null,
  });
  try {
    const figures = await client.lastLine(
      (settings.seconds + settings.serverWarmupSeconds) * 1000 + 30_000,
    );
    const syscalls = attached === null ? null : await attached.stop();
    return sampleOfLoad(figures, {}, load.reading, syscalls);
  } finally {
    await server.end('SIGTERM');
  }
}

/** One process and no log, as the other servers have it. */
function writeConfiguration(folder: string, port: number): string {
  mkdirSync(folder, { recursive: true });
  writeFileSync(join(folder, 'hello.txt'), HELLO);
  const path = join(folder, 'nginx.conf');
  const temporary = ['client_body', 'proxy', 'fastcgi', 'uwsgi', 'scgi'];
  const lines = [
    'daemon off;',
    'master_process off;',
    'pid nginx.pid;',
    'error_log error.log;',
    'events { worker_connections 16384; }',
    'http {',
    '  access_log off;',
    '  sendfile on;',
    '  open_file_cache max=16;',
    '  keepalive_requests 1000000000;',
    ...temporary.map((name) => `  ${name}_temp_path ${name};`),
    `  server { listen 127.0.0.1:${port}; root .; }`,
    '}',
  ];
  writeFileSync(path, `${lines.join('\n')}\n`);
  return path;
}

function freePort(): Promise<number> {
  return new Promise((resolve, reject) => {
    const probe = createServer().on('error', reject);
    probe.listen(0, '127.0.0.1', () => {
      const { port } = probe.address() as AddressInfo;
      probe.close(() => resolve(port));
    });
  });
}

async function waitForPort(port: number): Promise<void> {
  for (let attempt = 0; attempt < START_ATTEMPTS; attempt += 1) {
    try {
      await fetch(`http://127.0.0.1:${port}/hello.txt`).then((answer) => answer.text());
      return;
    } catch {
      // Not yet: the bound on attempts ends this.
      await new Promise((resolve) => setTimeout(resolve, ATTEMPT_MS));
    }
  }
  throw new Error('nginx does not listen');
}
