/**
 * TcpStream adds addresses and connecting to what `stream/socket-stream.test.ts` shows. Connecting,
 * with all its failures, is in `conformance/tcp-stream.ts`.
 */

import { describe, expect, it } from 'vitest';
import { TcpStream } from '../../../src/io/tcp/tcp-stream.ts';
import { FakeConnection } from '../../support/fake-connection.ts';

describe('TcpStream', () => {
  it('has the addresses of its connection', () => {
    const connection = new FakeConnection();
    const stream = new TcpStream(connection);
    expect(stream.localAddress).toBe(connection.localAddress);
    expect(stream.remoteAddress).toBe(connection.remoteAddress);
  });
});
