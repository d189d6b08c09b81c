/**
 * Messages with names and control data, byte for byte beside C.
 */

import { describe, expect, it } from 'vitest';
import {
  IPPROTO_UDP,
  MSG_CTRUNC,
  MSG_TRUNC,
  SCM_RIGHTS,
  SOL_SOCKET,
  UDP_SEGMENT,
} from '../../../src/native/constants/sockets.ts';
import {
  CMSGHDR_SIZE,
  controlSpace,
  IOVEC_SIZE,
  IOVEC_WORDS,
  MSGHDR_SIZE,
  MSGHDR_WORDS,
  readControlMessages,
  readMessageHeader,
  readRecvmsgOut,
  RECVMSG_OUT_SIZE,
  writeControlMessage,
  writeIovec,
  writeMessageHeader,
} from '../../../src/native/layout/message.ts';
import { recordedHex, recordedStruct, written } from '../../support/recorded-structs.ts';

const descriptor = { level: SOL_SOCKET, type: SCM_RIGHTS, data: Uint8Array.of(77, 0, 0, 0) };
const segment = { level: IPPROTO_UDP, type: UDP_SEGMENT, data: Uint8Array.of(0xb0, 0x04) };

describe('sizes', () => {
  it('agree in bytes and words', () => {
    expect([IOVEC_WORDS * 4, MSGHDR_WORDS * 4]).toEqual([IOVEC_SIZE, MSGHDR_SIZE]);
    expect([CMSGHDR_SIZE, RECVMSG_OUT_SIZE]).toEqual([16, 16]);
  });
});

describe('writeIovec', () => {
  it('writes 64 bits each', () => {
    expect(
      written(IOVEC_SIZE, (buffer, offset) =>
        writeIovec(new Int32Array(buffer), offset / 4, 0x7f0123456780, 0x123456789),
      ),
    ).toBe(recordedHex('iovec'));
  });
});

describe('writeMessageHeader', () => {
  it('writes the whole struct', () => {
    const header = {
      nameAddress: 0x7f0123456780,
      nameSize: 28,
      iovecAddress: 0x7ffedcba9870,
      iovecCount: 3,
      controlAddress: 0x5501aabbccd0,
      controlSize: 64,
    };
    expect(
      written(MSGHDR_SIZE, (buffer, offset) =>
        writeMessageHeader(new Int32Array(buffer), offset / 4, header),
      ),
    ).toBe(recordedHex('msghdr_request'));
  });
});

describe('readMessageHeader', () => {
  it('finds what the kernel wrote back', () => {
    const bytes = new Uint8Array(8 + MSGHDR_SIZE);
    bytes.set(recordedStruct('msghdr_answer'), 8);
    expect(readMessageHeader(new Int32Array(bytes.buffer), 2)).toEqual({
      nameSize: 16,
      controlSize: 24,
      flags: MSG_TRUNC | MSG_CTRUNC,
    });
  });
});

describe('controlSpace', () => {
  it('is CMSG_SPACE', () => {
    expect([0, 1, 8, 9].map(controlSpace)).toEqual([16, 24, 24, 32]);
  });
});

describe('writeControlMessage', () => {
  it('writes one piece after the other, padding included', () => {
    const size = controlSpace(4) + controlSpace(2);
    expect(
      written(size, (buffer, offset) => {
        const bytes = new Uint8Array(buffer, 16);
        const behind = writeControlMessage(bytes, offset - 16, descriptor);
        expect(behind).toBe(offset - 16 + controlSpace(4));
        expect(writeControlMessage(bytes, behind, segment)).toBe(offset - 16 + size);
      }),
    ).toBe(recordedHex('cmsgs'));
  });
});

describe('readControlMessages', () => {
  it('finds every piece', () => {
    expect(readControlMessages(recordedStruct('cmsgs'))).toEqual([descriptor, segment]);
    expect(readControlMessages(new Uint8Array(0))).toEqual([]);
  });

  it('takes a last piece without padding', () => {
    const control = recordedStruct('cmsgs');
    expect(readControlMessages(control.subarray(0, 24 + 18))).toEqual([descriptor, segment]);
  });

  it('ends at a piece that was cut off or makes no sense', () => {
    const control = recordedStruct('cmsgs');
    expect(readControlMessages(control.subarray(0, 24 + 17))).toEqual([descriptor]);
    expect(readControlMessages(control.subarray(0, 24 + 15))).toEqual([descriptor]);
    control[24] = 15;
    expect(readControlMessages(control)).toEqual([descriptor]);
    expect(readControlMessages(new Uint8Array(48))).toEqual([]);
  });
});

describe('readRecvmsgOut', () => {
  it('finds the parts behind the room for them', () => {
    const bytes = new Uint8Array(100);
    bytes.set(recordedStruct('recvmsg_out'), 3);
    const received = bytes.subarray(3, 3 + recordedStruct('recvmsg_out').length);
    expect(readRecvmsgOut(received, 28, 32)).toEqual({
      name: new Uint8Array(16).fill(0x11),
      control: new Uint8Array(20).fill(0x22),
      payload: Uint8Array.from(Buffer.from('hello')),
      payloadSize: 9,
      flags: MSG_TRUNC,
    });
  });

  it('never reaches beyond the room when the kernel names larger sizes', () => {
    const received = recordedStruct('recvmsg_out');
    const out = readRecvmsgOut(received, 8, 4);
    expect([out?.name.length, out?.control.length]).toEqual([8, 4]);
  });

  it('is null when the parts do not fit', () => {
    const received = recordedStruct('recvmsg_out');
    expect(readRecvmsgOut(received.subarray(0, 76), 28, 32)?.payload).toHaveLength(0);
    expect(readRecvmsgOut(received.subarray(0, 75), 28, 32)).toBeNull();
    expect(readRecvmsgOut(received.subarray(0, 15), 0, 0)).toBeNull();
  });
});
