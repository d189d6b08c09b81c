/**
 * How a program ends by itself. The first argument names a case; each must end without being told
 * to. Reports what happened on the way, from the `exit` event.
 */

import { runtime, TcpListener, TcpStream } from 'onering';
import { openEcho, report } from './load.mjs';

const ring = runtime();
const seen = [];
const startMs = performance.now();
process.on('beforeExit', () => seen.push('beforeExit'));
process.on('exit', (code) => {
  report({ seen, code, inFlight: ring.metrics().inFlight, tookMs: performance.now() - startMs });
});

const cases = {
  async 'nothing open'() {
    await ring.nop();
    seen.push('done');
  },

  async 'work from beforeExit'() {
    let rounds = 0;
    process.on('beforeExit', () => {
      rounds += 1;
      if (rounds <= 2) ring.nop(() => seen.push('nop'));
      else if (rounds === 3) void ring.nop().then(() => seen.push('await'));
    });
  },

  async 'listener closed by a timer'() {
    const listener = await TcpListener.listen({ hostname: '127.0.0.1', port: 0 });
    setTimeout(() => {
      seen.push('timer');
      void listener.close().then(() => seen.push('closed'));
    }, 20);
  },

  async 'listener without reference'() {
    const listener = await TcpListener.listen({ hostname: '127.0.0.1', port: 0 });
    listener.unref();
  },

  async 'listener without reference after other work'() {
    const listener = await TcpListener.listen({ hostname: '127.0.0.1', port: 0 });
    listener.unref();
    for (let n = 0; n < 3; n += 1) await ring.nop();
    seen.push('done');
  },

  async 'listener loses its reference later'() {
    const listener = await TcpListener.listen({ hostname: '127.0.0.1', port: 0 });
    setTimeout(() => {
      seen.push('timer');
      listener.unref();
    }, 20);
  },

  async 'listener loses and regains its reference'() {
    const listener = await TcpListener.listen({ hostname: '127.0.0.1', port: 0 });
    listener.unref().ref();
    setTimeout(() => {
      seen.push('timer');
      void listener.close();
    }, 20).unref();
  },

  async 'streams without reference'() {
    const { listener, connect } = await openEcho();
    const stream = await connect();
    await stream.write('x');
    await stream.read();
    listener.unref();
    stream.unref();
    void stream.read();
    // Of the accepted socket nobody let go: the peer's end closes it.
    await stream.shutdown();
  },

  async 'unreferenced timer beside an unreferenced listener'() {
    const listener = await TcpListener.listen({ hostname: '127.0.0.1', port: 0 });
    listener.unref();
    setTimeout(() => seen.push('never'), 10_000).unref();
  },

  async 'runtime closed'() {
    const listener = await TcpListener.listen({ hostname: '127.0.0.1', port: 0 });
    await ring.close();
    seen.push(String(listener.isClosed));
  },

  async 'waits for ever on what has no reference'() {
    const listener = await TcpListener.listen({ hostname: '127.0.0.1', port: 0 });
    listener.unref();
    await listener.accept();
  },

  async 'connections one after the other'() {
    const { listener, connect } = await openEcho();
    for (let n = 0; n < 3; n += 1) {
      const stream = await connect();
      await stream.write(String(n));
      seen.push(String(await stream.read()));
      await stream.close();
    }
    await listener.close();
    await TcpStream.connect({ hostname: '127.0.0.1', port: listener.address().port }).catch(
      ({ code }) => seen.push(code),
    );
  },
};

await cases[process.argv[2]]();
