/**
 * TLS on a socket is recognized by what Node's wrapper leaves, and nothing else is.
 */

import { once } from 'node:events';
import { Duplex } from 'node:stream';
import tls from 'node:tls';
import { describe, expect, it } from 'vitest';
import { isWrappedByTls } from '../../../src/io/net/wrapped.ts';

/** A stream with one listener for its end, as sockets have. */
function stream(): Duplex {
  return new Duplex({ read: () => {}, write: (_chunk, _encoding, done) => done() }).on(
    'end',
    () => {},
  );
}

describe('isWrappedByTls', () => {
  it('knows a stream that TLS reads', async () => {
    const raw = stream();
    const secure = new tls.TLSSocket(raw, {});
    expect(isWrappedByTls(raw)).toBe(true);
    const end = once(secure, 'close');
    secure.on('error', () => {}).destroy();
    await end;
  });

  it('takes no other reader for TLS', () => {
    const raw = stream();
    expect(isWrappedByTls(raw)).toBe(false);
    raw.on('end', () => {}).pipe(stream());
    expect(isWrappedByTls(raw)).toBe(false);
    raw.destroy();
  });
});
