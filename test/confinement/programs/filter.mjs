/**
 * Puts a seccomp filter on the calling thread and on those that it starts: for tests of what is
 * left without certain system calls. It cannot be taken back.
 *
 * Importing this loads koffi, which is then there for the package as well.
 */

import { createRequire } from 'node:module';
import { constants as errnos } from 'node:os';

const PR_SET_SECCOMP = 22;
const PR_SET_NO_NEW_PRIVS = 38;
const SECCOMP_MODE_FILTER = 2;
const SECCOMP_RET_ALLOW = 0x7fff_0000;
const SECCOMP_RET_KILL_PROCESS = 0x8000_0000;
const SECCOMP_RET_ERRNO = 0x0005_0000;
const BPF_LOAD = 0x20;
const BPF_JUMP_GREATER = 0x25;
const BPF_JUMP_GREATER_EQUAL = 0x35;
const BPF_RETURN = 0x06;

const koffi = createRequire(import.meta.url)('koffi');

/**
 * Has system calls from `first` to `last` answered with `action`: the name of an error, or `kill`.
 * The filter is a program in the kernel's own little language: five instructions of eight bytes.
 */
export function installFilter({ first, last, action }) {
  const verdict =
    action === 'kill' ? SECCOMP_RET_KILL_PROCESS : SECCOMP_RET_ERRNO | errnos.errno[action];
  const program = [
    [BPF_LOAD, 0, 0, 0],
    [BPF_JUMP_GREATER_EQUAL, 0, 2, first],
    [BPF_JUMP_GREATER, 1, 0, last],
    [BPF_RETURN, 0, 0, verdict],
    [BPF_RETURN, 0, 0, SECCOMP_RET_ALLOW],
  ];
  const instructions = new DataView(new ArrayBuffer(program.length * 8));
  for (const [at, [code, ifTrue, ifFalse, value]] of program.entries()) {
    instructions.setUint16(at * 8, code, true);
    instructions.setUint8(at * 8 + 2, ifTrue);
    instructions.setUint8(at * 8 + 3, ifFalse);
    instructions.setUint32(at * 8 + 4, value >>> 0, true);
  }
  const description = new DataView(new ArrayBuffer(16));
  description.setUint16(0, program.length, true);
  description.setBigUint64(8, BigInt(koffi.address(instructions.buffer)), true);
  const types = ['int', 'int64', 'int64', 'int64', 'int64'];
  const prctl = koffi.load(null).func('prctl', 'int', types);
  if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) !== 0) throw new Error('PR_SET_NO_NEW_PRIVS');
  const address = Number(koffi.address(description.buffer));
  const result = prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, address, 0, 0);
  if (result !== 0) throw new Error(`PR_SET_SECCOMP: ${koffi.errno()}`);
  // Used by the kernel until here.
  void instructions.byteLength;
}
