/**
 * Every example does what it says. Real Redis clients talk to the Redis example where there are
 * any.
 */

import { execFile, spawnSync } from 'node:child_process';
import { createHash, randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { connect, createServer } from 'node:net';
import type { AddressInfo } from 'node:net';
import { promisify } from 'node:util';
import { Redis } from 'ioredis';
import { describe, expect, it, onTestFinished } from 'vitest';
import { backends, Client, startExample } from './running.ts';

const run = promisify(execFile);

describe.each(backends)('examples on %s', (backend) => {
  it.each(['callbacks', 'promises', 'streams'])('echo: %s', async (style) => {
    const port = await startExample('echo', backend, ['--style', style]);
    const [a, b] = [new Client(port), new Client(port)];
    await Promise.all([a.say('hello', 'hello'), b.say('world', 'world')]);
    expect([await a.end(), await b.end()]).toEqual(['hello', 'world']);
  });

  it('tcp-proxy: bytes both ways, and half-open ends', async () => {
    // Answers with the digest once it has seen the end.
    const target = createServer({ allowHalfOpen: true }, (socket) => {
      const hash = createHash('sha1');
      socket.on('data', (chunk) => void hash.update(chunk));
      socket.on('end', () => socket.end(hash.digest('hex')));
    });
    target.listen(0, '127.0.0.1');
    onTestFinished(() => void target.close());
    await once(target, 'listening');
    const to = String((target.address() as AddressInfo).port);
    const port = await startExample('tcp-proxy', backend, ['--to', to]);
    const data = randomBytes(3 * 1024 * 1024);
    const client = new Client(port);
    client.socket.write(data);
    expect(await client.end()).toBe(createHash('sha1').update(data).digest('hex'));
  });

  it('tcp-proxy: a target that refuses', async () => {
    const port = await startExample('tcp-proxy', backend, ['--to', '1']);
    const socket = connect({ host: '127.0.0.1', port });
    socket.on('error', () => {});
    await once(socket.resume(), 'close');
    expect(socket.bytesRead).toBe(0);
  });

  it('chat: all others hear', async () => {
    const port = await startExample('chat', backend);
    const [ann, bob] = [new Client(port), new Client(port)];
    await ann.say('ann\n', 'welcome, ann');
    await bob.say('b', '');
    await bob.say('ob\nhello', 'welcome, bob');
    await bob.say(' there\n', 'welcome');
    await ann.say('', 'bob: hello there\n');
    expect(await bob.end()).not.toContain('hello there');
    await ann.say('', '* bob leaves\n');
  });

  it('http-app: routes, bodies, streams, and what it does not know', async () => {
    const port = await startExample('http-app', backend);
    const url = `http://127.0.0.1:${port}`;
    expect(await (await fetch(url)).text()).toBe('hello from the ring\n');
    expect(await (await fetch(`${url}/metrics`)).json()).toMatchObject({ backend });
    expect((await (await fetch(`${url}/count`)).text()).split('\n')).toHaveLength(11);
    const echo = (body: string): Promise<Response> =>
      fetch(`${url}/echo`, { method: 'POST', body });
    expect(await (await echo('{"a":1}')).json()).toEqual({ received: { a: 1 } });
    expect([(await echo('{')).status, (await fetch(`${url}/no`)).status]).toEqual([400, 404]);
  });

  it('redis: commands in arrays and in lines, cut anywhere', async () => {
    const port = await startExample('redis/server', backend);
    const client = new Client(port);
    const command = '*3\r\n$3\r\nSET\r\n$1\r\nk\r\n$4\r\na\r\nb\r\n';
    for (const byte of command) {
      client.socket.write(byte);
      await new Promise<void>((resolve) => setImmediate(resolve));
    }
    await client.say('GET k\r\n', '$4\r\na\r\nb\r\n');
    client.heard = '';
    const lines = [
      'PING',
      'INCR n',
      'INCRBY n 41',
      'MGET k n missing',
      'SET k 1 PX 60000 NX',
      'SET k 1 EX 60 XX',
      'TTL k',
      'EXPIRE n 0',
      'EXISTS n k',
      'APPEND k 23',
      'INCR k',
      'DEL k n',
      'GET k',
      'SET s x',
      'INCR s',
      'NONSENSE',
      'GET',
      'QUIT',
    ];
    client.socket.write(`${lines.join('\r\n')}\r\n`);
    await once(client.socket, 'end');
    expect(client.heard.split('\r\n').slice(0, -1)).toEqual([
      '+PONG',
      ':1',
      ':42',
      '*3',
      '$4',
      'a',
      'b',
      '$2',
      '42',
      '$-1',
      '$-1',
      '+OK',
      ':60',
      ':1',
      ':1',
      ':3',
      ':124',
      ':1',
      '$-1',
      '+OK',
      '-ERR value is not an integer or out of range',
      "-ERR unknown command 'NONSENSE'",
      "-ERR wrong number of arguments for 'get' command",
      '+OK',
    ]);
    const broken = new Client(port);
    broken.socket.write('*1\r\n!x\r\n');
    await once(broken.socket, 'end');
    expect(broken.heard).toBe("-ERR Protocol error: expected '$', got '!'\r\n");
  });

  it('redis: redis-cli and redis-benchmark', async ({ skip }) => {
    if (spawnSync('redis-cli', ['--version']).status !== 0) skip('needs redis-tools');
    const port = String(await startExample('redis/server', backend));
    const cli = async (...words: string[]): Promise<string> =>
      (await run('redis-cli', ['-p', port, ...words], { timeout: 10_000 })).stdout.trim();
    expect(await cli('set', 'k', 'v', 'ex', '100')).toBe('OK');
    expect([await cli('get', 'k'), await cli('ttl', 'k')]).toEqual(['v', '100']);
    expect(await cli('mget', 'k', 'other')).toBe('v');
    const options = ['-p', port, '-n', '2000', '-c', '20', '-P', '8', '--csv'];
    const tests = ['-t', 'ping,set,get,incr,mset'];
    const { stdout } = await run('redis-benchmark', [...options, ...tests], { timeout: 15_000 });
    // A header, and a line for each: PING comes in two forms.
    expect(stdout.trim().split('\n')).toHaveLength(7);
    expect(await cli('dbsize')).not.toBe('0');
  });

  it('redis: ioredis', async () => {
    const redis = new Redis(await startExample('redis/server', backend));
    expect(await redis.set('k', 'v')).toBe('OK');
    expect(await Promise.all([redis.get('k'), redis.incr('n')])).toEqual(['v', 1]);
    const results = await redis.pipeline().set('a', '1').incr('a').get('a').exec();
    expect(results).toEqual([
      [null, 'OK'],
      [null, 2],
      [null, '2'],
    ]);
    await redis.quit();
  });
});
