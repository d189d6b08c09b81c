/**
 * `onering serve` as a user meets it: what requests get, on the ring and without one.
 *
 * How it starts and ends is tested in `serve/lifecycle.test.ts`.
 */

import { execFileSync } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { connect } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { ServerProcess } from './serve/server-process.ts';

const isRoot = process.getuid?.() === 0;
const isWindows = process.platform === 'win32';

const place = mkdtempSync(join(tmpdir(), 'onering-'));
const folder = join(place, 'site');
const secret = 'kept outside';
// More than two chunks, and not a multiple of one.
const large = randomBytes(700_001);

function makeSite(): void {
  mkdirSync(join(folder, 'sub', 'deep'), { recursive: true });
  mkdirSync(join(folder, 'plain', '<b>'), { recursive: true });
  mkdirSync(join(folder, 'odd', 'index.html'), { recursive: true });
  writeFileSync(join(place, 'secret.txt'), secret);
  writeFileSync(join(place, 'site-too.txt'), secret);
  writeFileSync(join(folder, 'index.html'), '<h1>front page</h1>');
  writeFileSync(join(folder, 'sub', 'index.html'), '<h1>sub page</h1>');
  writeFileSync(join(folder, 'plain', 'b.txt'), 'b');
  writeFileSync(join(folder, 'plain', 'a & "c".txt'), 'ac');
  writeFileSync(join(folder, 'empty.txt'), '');
  writeFileSync(join(folder, 'unreadable.txt'), 'x', { mode: 0 });
  writeFileSync(join(folder, 'large.bin'), large);
  if (isWindows) return;
  writeFileSync(join(folder, 'back\\slash.txt'), 'backslash');
  symlinkSync('large.bin', join(folder, 'inside-link'));
  symlinkSync('../secret.txt', join(folder, 'outside-link'));
  symlinkSync(join(place, 'secret.txt'), join(folder, 'absolute-link'));
  symlinkSync('..', join(folder, 'sub', 'deep', 'up'));
  symlinkSync('../../..', join(folder, 'sub', 'deep', 'out'));
  symlinkSync('circle', join(folder, 'circle'));
  execFileSync('sh', ['-c', 'mkfifo "$0"', join(folder, 'fifo')]);
}

beforeAll(makeSite);
afterAll(() => rmSync(place, { recursive: true, force: true }));

describe.each(['auto', 'libuv'])('onering serve with ONERING_BACKEND=%s', (backend) => {
  let server: ServerProcess;
  beforeAll(async () => {
    server = await ServerProcess.start(folder, { ONERING_BACKEND: backend });
  });
  afterAll(() => server.stop());

  /** Sends bytes on a connection of its own, and returns all that comes back. */
  async function exchange(bytes: string, isEnded = false): Promise<string> {
    const socket = connect({ port: server.port, host: '127.0.0.1', allowHalfOpen: true });
    if (isEnded) socket.end(bytes);
    else socket.write(bytes);
    try {
      return await text(socket);
    } finally {
      socket.destroy();
    }
  }

  it('says where it is, and on what', async () => {
    const line = await server.firstLine();
    expect(line).toMatch(/^Serving .*site at http:\/\/127\.0\.0\.1:\d+ \((io_uring|libuv: .+)\)$/);
    if (backend === 'libuv') expect(line).toContain('(libuv: ');
  });

  describe('files', () => {
    it('sends them whole', async () => {
      const { status, headers, body } = await server.get('/large.bin?a=b');
      expect(status).toBe(200);
      expect(body.equals(large)).toBe(true);
      expect(headers).toMatchObject({
        'content-type': 'application/octet-stream',
        'content-length': String(large.length),
        'accept-ranges': 'bytes',
      });
      expect(headers.etag).toMatch(/^"[^"]+"$/);
      expect(Date.parse(headers['last-modified'] ?? '')).not.toBeNaN();
    });

    it('sends empty ones', async () => {
      const { status, headers, body } = await server.get('/empty.txt');
      expect([status, headers['content-length'], body.length]).toEqual([200, '0', 0]);
    });

    it('sends many at once', async () => {
      const bodies = await Promise.all(
        Array.from({ length: 40 }, async () => {
          const { body } = await server.get('/large.bin', { agent: false });
          return body.equals(large);
        }),
      );
      expect(bodies).toEqual(Array.from({ length: 40 }, () => true));
    });

    it('sends parts', async () => {
      const cases: [string, number, number][] = [
        ['bytes=0-0', 0, 1],
        ['bytes=262143-262144', 262_143, 262_145],
        ['bytes=100000-', 100_000, large.length],
        ['bytes=-300000', large.length - 300_000, large.length],
        ['bytes=5-99999999', 5, large.length],
      ];
      for (const [range, start, end] of cases) {
        const { status, headers, body } = await server.get('/large.bin', { headers: { range } });
        expect(status).toBe(206);
        expect(headers['content-range']).toBe(`bytes ${start}-${end - 1}/${large.length}`);
        expect(body.equals(large.subarray(start, end))).toBe(true);
      }
    });

    it('refuses parts that do not exist, and sends all for several', async () => {
      const beyond = { headers: { range: `bytes=${large.length}-` } };
      const refused = await server.get('/large.bin', beyond);
      expect([refused.status, refused.body.length]).toEqual([416, 0]);
      expect(refused.headers['content-range']).toBe(`bytes */${large.length}`);
      const several = await server.get('/large.bin', { headers: { range: 'bytes=0-1,5-6' } });
      expect([several.status, several.body.length]).toEqual([200, large.length]);
    });

    it('answers HEAD as GET, without a body, and goes on with the connection', async () => {
      for (const path of ['/large.bin', '/plain/', '/nowhere', '/sub', '/-/metrics']) {
        const head = await server.get(path, { method: 'HEAD' });
        const get = await server.get(path);
        expect(head.status).toBe(get.status);
        expect(head.body).toHaveLength(0);
        expect(head.headers['content-type']).toBe(get.headers['content-type']);
        if (path !== '/-/metrics') {
          expect(head.headers['content-length']).toBe(get.headers['content-length']);
        }
      }
    });

    it('does not send what the client has, and goes on with the connection', async () => {
      const { headers } = await server.get('/large.bin');
      const conditions = [
        { 'if-none-match': `"x", W/${headers.etag}` },
        { 'if-modified-since': headers['last-modified'] },
        { 'if-none-match': headers.etag, 'if-modified-since': 'Sun, 06 Nov 1994 08:49:37 GMT' },
      ];
      for (const condition of conditions) {
        const reply = await server.get('/large.bin', { headers: condition });
        expect([reply.status, reply.body.length]).toEqual([304, 0]);
        expect(reply.headers.etag).toBe(headers.etag);
        expect(reply.headers['content-length']).toBeUndefined();
      }
      const changed = await server.get('/large.bin', { headers: { 'if-none-match': '"x"' } });
      expect(changed.status).toBe(200);
    });

    it('resumes only what has not changed', async () => {
      const { headers } = await server.get('/large.bin', { method: 'HEAD' });
      const status = async (ifRange: string | undefined): Promise<number> => {
        const options = { headers: { range: 'bytes=1-2', 'if-range': ifRange } };
        return (await server.get('/large.bin', options)).status;
      };
      expect(await status(headers.etag)).toBe(206);
      expect(await status(headers['last-modified'])).toBe(206);
      expect(await status(`W/${headers.etag}`)).toBe(200);
      expect(await status('"x"')).toBe(200);
    });
  });

  describe('folders', () => {
    it('sends index pages', async () => {
      for (const [path, page] of [
        ['/', 'front page'],
        ['/sub/', 'sub page'],
        ['/sub/index.html', 'sub page'],
      ] as const) {
        const { status, headers, body } = await server.get(path);
        expect([status, headers['content-type']]).toEqual([200, 'text/html; charset=utf-8']);
        expect(body.toString()).toContain(page);
      }
    });

    it('redirects to the form with a slash, and keeps the query', async () => {
      const { status, headers } = await server.get('//sub?a=%2F');
      expect([status, headers.location]).toEqual([301, '/sub/?a=%2F']);
    });

    it.skipIf(isWindows)('lists the others, sorted and escaped', async () => {
      const { status, headers, body } = await server.get('/plain/');
      expect([status, headers['content-type']]).toEqual([200, 'text/html; charset=utf-8']);
      const names = [...body.toString().matchAll(/<li><a href="([^"]+)">/g)].map(([, to]) => to);
      expect(names).toEqual(['../', '%3Cb%3E/', 'a%20%26%20%22c%22.txt', 'b.txt']);
      expect(body.toString()).not.toContain('<b>');
      expect((await server.get(`/plain/${names[2]}`)).body.toString()).toBe('ac');
    });

    it('lists one whose index page is a folder', async () => {
      expect((await server.get('/odd/')).body.toString()).toContain('href="index.html/"');
    });
  });

  describe('what is not there', () => {
    it.each(['/nowhere', '/index.html/', '/index.html/x', '/sub/nowhere/', '/circle'])(
      'answers %s with 404',
      async (path) => {
        expect((await server.get(path)).status).toBe(404);
      },
    );

    it('answers a name that is too long with 404', async () => {
      expect((await server.get(`/${'x'.repeat(4000)}`)).status).toBe(404);
    });

    it.each(['POST', 'PUT', 'DELETE', 'OPTIONS', 'PATCH'])(
      'answers %s with 405',
      async (method) => {
        const { status, headers } = await server.get('/', { method });
        expect([status, headers.allow]).toEqual([405, 'GET, HEAD']);
      },
    );

    it.skipIf(isWindows)('refuses what is no file, without waiting for it', async () => {
      expect((await server.get('/fifo')).status).toBe(403);
    });

    it.skipIf(isRoot || isWindows)('refuses what may not be read', async () => {
      expect((await server.get('/unreadable.txt')).status).toBe(403);
    });
  });

  describe('the way out', () => {
    it.each([
      '/../secret.txt',
      '/%2e%2e/secret.txt',
      '/.%2E/secret.txt',
      '/sub/../../secret.txt',
      '/..%2fsecret.txt',
      '/%2e%2e%2fsecret.txt',
      '/..%5csecret.txt',
      '/..\\secret.txt',
      '/%252e%252e/secret.txt',
      '//../secret.txt',
      '/../site-too.txt',
      '/-too.txt',
      '/sub/..%00/../../secret.txt',
      '/index.html%00',
      '/%c0%ae%c0%ae/secret.txt',
      '/sub/deep/../../../secret.txt',
    ])('is not %s', async (path) => {
      const { status, body } = await server.get(path);
      expect(status === 400 || status === 404).toBe(true);
      expect(body.toString()).not.toContain(secret);
    });

    it('is not an absolute path', async () => {
      const path = encodeURIComponent(join(place, 'secret.txt'));
      expect((await server.get(`/${path}`)).status).toBe(400);
      expect((await server.get(`/${join(place, 'secret.txt')}`)).status).toBe(404);
    });

    it
      .skipIf(isWindows)
      .each(['/outside-link', '/absolute-link', '/sub/deep/out/', '/sub/deep/out/secret.txt'])(
      'is not the symbolic link %s',
      async (path) => {
        const { status, body } = await server.get(path);
        expect(status).toBe(403);
        expect(body.toString()).not.toContain(secret);
      },
    );

    it.skipIf(isWindows)('is no reason to refuse links and names that stay inside', async () => {
      expect((await server.get('/inside-link')).body.equals(large)).toBe(true);
      expect((await server.get('/sub/deep/up/index.html')).body.toString()).toContain('sub page');
      expect((await server.get('/back%5cslash.txt')).body.toString()).toBe('backslash');
    });
  });

  describe('/-/metrics', () => {
    it('shows the counters of the runtime and of the server', async () => {
      const { headers, body } = await server.get('/-/metrics');
      expect(headers).toMatchObject({
        'content-type': 'application/json',
        'cache-control': 'no-store',
      });
      const metrics = JSON.parse(body.toString());
      expect(['uring', 'libuv']).toContain(metrics.backend);
      expect(metrics.reason === null).toBe(metrics.backend === 'uring');
      if (metrics.backend === 'uring') expect(metrics.completions).toBeGreaterThan(0);
      expect(metrics.server.openConnections).toBeGreaterThan(0);
      const next = JSON.parse((await server.get('/-/metrics')).body.toString());
      expect(next.server.requests).toBe(metrics.server.requests + 1);
    });
  });

  describe('connections', () => {
    it('answers requests that were sent ahead, in order', async () => {
      const count = 50;
      const ahead = Array.from({ length: count }, (_, index) => {
        const range = `Range: bytes=${index}-${index + 300_000}\r\n`;
        return `GET /large.bin HTTP/1.1\r\nHost: x\r\n${range}\r\n`;
      });
      const last = 'HEAD /nowhere HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n';
      const received = await exchange(ahead.join('') + last);
      const parts = [...received.matchAll(/^content-range: bytes (\d+)-/gim)];
      expect(parts.map(([, first]) => Number(first))).toEqual(ahead.map((_, index) => index));
      expect(received).toMatch(/HTTP\/1\.1 404 Not Found\r\n/);
    });

    it('answers a client that has nothing more to say', async () => {
      const received = await exchange('GET /sub/ HTTP/1.1\r\nHost: x\r\n\r\n', true);
      expect(received).toContain('sub page');
    });

    it('answers HTTP/1.0, and closes', async () => {
      const received = await exchange('GET /sub/ HTTP/1.0\r\n\r\n');
      expect(received).toMatch(/^HTTP\/1\.1 200 OK\r\n[^]*sub page/);
    });

    it('refuses what is not HTTP', async () => {
      expect(await exchange('\u0000nonsense\r\n\r\n')).toMatch(/^HTTP\/1\.1 400 Bad Request\r\n/);
    });

    it('refuses a method with a body, and goes on', async () => {
      const body = 'x'.repeat(100_000);
      const post = `POST / HTTP/1.1\r\nHost: x\r\nContent-Length: ${body.length}\r\n\r\n${body}`;
      const get = 'GET /sub/ HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n';
      const received = await exchange(post + get);
      expect(received).toMatch(/^HTTP\/1\.1 405 [^]*\nHTTP\/1\.1 200 OK\r\n[^]*sub page/);
    });
  });

  it('has nothing to complain about', () => {
    expect(server.stderr).toBe('');
  });
});
