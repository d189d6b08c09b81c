/**
 * A promise of the ring that nobody handles: with `handled` as the first argument an
 * `unhandledRejection` handler reports it, without it the process must die of it. A rejection that
 * is handled in the same batch must not be reported.
 */

import { runtime, TcpStream } from 'onering';
import { report } from './load.mjs';

const ring = runtime();
const seen = [];
if (process.argv[2] === 'handled') {
  process.on('unhandledRejection', (error) => seen.push(error.code ?? error.message));
}
process.on('rejectionHandled', () => seen.push('handled later'));

await ring.nop();
void ring.nop().then(() => {
  throw new Error('rejected on purpose');
});
await ring.nop();
await new Promise((resolve) => setTimeout(resolve, 2));
void TcpStream.connect({ hostname: '127.0.0.1', port: 1 });
const handled = TcpStream.connect({ hostname: '127.0.0.1', port: 1 });
await handled.then(undefined, ({ code }) => seen.push(`caught ${code}`));
await new Promise((resolve) => setTimeout(resolve, 5));
report({ seen });
