/**
 * What a multishot recvmsg leaves in a buffer, made by hand: addresses of both families, data that
 * was cut off, datagrams put together, and what makes no sense.
 */

import { describe, expect, it } from 'vitest';
import { AF_INET, AF_INET6, IPPROTO_UDP, UDP_GRO } from '../../../src/native/constants/sockets.ts';
import { writeControlMessage } from '../../../src/native/layout/message.ts';
import { encodeSockaddr } from '../../../src/native/layout/sockaddr.ts';
import { PAYLOAD_AT, ReceivedMessage } from '../../../src/io/udp/received-message.ts';

const AT = 512;

interface Made {
  family?: number;
  address?: string;
  payload?: string;
  /** What was sent, where less arrived. */
  size?: number;
  gro?: number;
}

/** A slab with one message in it, and how many bytes the kernel filled. */
function made({ family, address, payload = '', size, gro }: Made): [slab: Buffer, filled: number] {
  const slab = Buffer.alloc(4096, 0xee);
  const name = encodeSockaddr({
    family: family ?? AF_INET,
    address: address ?? '127.0.0.1',
    port: 53,
  });
  slab.writeUInt32LE(name.length, AT);
  slab.writeUInt32LE(gro === undefined ? 0 : 20, AT + 4);
  slab.writeUInt32LE(size ?? payload.length, AT + 8);
  slab.set(name, AT + 16);
  if (gro !== undefined) {
    const data = Buffer.alloc(4);
    data.writeInt32LE(gro);
    writeControlMessage(slab, AT + 44, { level: IPPROTO_UDP, type: UDP_GRO, data });
  }
  slab.write(payload, AT + PAYLOAD_AT);
  return [slab, PAYLOAD_AT + payload.length];
}

function read(message: ReceivedMessage, what: Made): string | null {
  const [slab, filled] = made(what);
  if (!message.read(slab, AT, filled)) return null;
  return slab.toString('utf8', message.payloadAt, message.payloadAt + message.length);
}

describe('ReceivedMessage', () => {
  it('finds payload and sender', () => {
    const message = new ReceivedMessage();
    expect(read(message, { payload: 'hello' })).toBe('hello');
    expect(message.sender).toEqual({ address: '127.0.0.1', family: 'IPv4', port: 53 });
    expect([message.size, message.segmentSize]).toEqual([5, 0]);
    expect(read(message, { family: AF_INET6, address: '2001:db8::1' })).toBe('');
    expect(message.sender).toEqual({ address: '2001:db8::1', family: 'IPv6', port: 53 });
  });

  it('decodes a sender again only when it is another', () => {
    const message = new ReceivedMessage();
    read(message, {});
    const { sender } = message;
    read(message, {});
    expect(message.sender).toBe(sender);
    read(message, { address: '127.0.0.2' });
    expect(message.sender.address).toBe('127.0.0.2');
  });

  it('tells what was cut off, and what was put together', () => {
    const message = new ReceivedMessage();
    read(message, { payload: 'short', size: 100 });
    expect([message.length, message.size]).toEqual([5, 100]);
    read(message, { payload: 'aabbc', gro: 2 });
    expect(message.segmentSize).toBe(2);
    read(message, { payload: 'aabbc' });
    expect(message.segmentSize).toBe(0);
  });

  it('refuses what is too short to be one', () => {
    const message = new ReceivedMessage();
    expect(message.read(Buffer.alloc(128), 0, PAYLOAD_AT - 1)).toBe(false);
  });
});
