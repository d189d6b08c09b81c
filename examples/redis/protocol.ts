/**
 * The Redis protocol (RESP 2): commands in, as arrays of bulk strings or as inline lines, however
 * they are cut into chunks; replies out.
 */

const CR = 13;
const LF = 10;
const SPACE = 32;
const DOLLAR = 36;
const ASTERISK = 42;

/** Limits of a real server. */
const ARGUMENTS_MAX = 1024 * 1024;
const BULK_SIZE_MAX = 512 * 1024 * 1024;
const LINE_SIZE_MAX = 64 * 1024;

/** What a client sends that is no command: the connection cannot go on. */
export class ProtocolError extends Error {}

/** Turns chunks into commands. */
export class CommandReader {
  #rest: Buffer | null = null;

  /** The commands that a chunk completes, each as its arguments. */
  read(chunk: Buffer): Buffer[][] {
    const bytes = this.#rest === null ? chunk : Buffer.concat([this.#rest, chunk]);
    const commands: Buffer[][] = [];
    let at = 0;
    while (at < bytes.length) {
      const parsed = bytes[at] === ASTERISK ? parseArray(bytes, at) : parseInline(bytes, at);
      if (parsed === null) break;
      if (parsed.words.length > 0) commands.push(parsed.words);
      at = parsed.end;
    }
    this.#rest = at === bytes.length ? null : bytes.subarray(at);
    return commands;
  }
}

interface Parsed {
  readonly words: Buffer[];
  readonly end: number;
}

function parseInline(bytes: Buffer, at: number): Parsed | null {
  const lf = bytes.indexOf(LF, at);
  if (lf < 0) {
    if (bytes.length - at > LINE_SIZE_MAX) throw new ProtocolError('too big inline request');
    return null;
  }
  const end = bytes[lf - 1] === CR && lf > at ? lf - 1 : lf;
  const words: Buffer[] = [];
  for (let from = at; from < end;) {
    const space = bytes.indexOf(SPACE, from);
    const to = space < 0 || space > end ? end : space;
    if (to > from) words.push(bytes.subarray(from, to));
    from = to + 1;
  }
  return { words, end: lf + 1 };
}

function parseArray(bytes: Buffer, start: number): Parsed | null {
  const head = parseNumber(bytes, start + 1);
  if (head === null) return null;
  if (head.value > ARGUMENTS_MAX) throw new ProtocolError('invalid multibulk length');
  const words: Buffer[] = [];
  let at = head.end;
  for (let i = 0; i < head.value; i += 1) {
    if (at >= bytes.length) return null;
    if (bytes[at] !== DOLLAR) {
      const got = String.fromCharCode(bytes[at] ?? 0);
      throw new ProtocolError(`expected '$', got '${got}'`);
    }
    const size = parseNumber(bytes, at + 1);
    if (size === null) return null;
    if (size.value < 0 || size.value > BULK_SIZE_MAX) {
      throw new ProtocolError('invalid bulk length');
    }
    const end = size.end + size.value;
    if (end + 2 > bytes.length) return null;
    words.push(bytes.subarray(size.end, end));
    at = end + 2;
  }
  return { words, end: at };
}

function parseNumber(bytes: Buffer, at: number): { value: number; end: number } | null {
  const lf = bytes.indexOf(LF, at);
  if (lf < 0) {
    if (bytes.length - at > 32) throw new ProtocolError('invalid length');
    return null;
  }
  const value = Number(bytes.toString('latin1', at, lf - 1));
  if (!Number.isInteger(value)) throw new ProtocolError('invalid length');
  return { value, end: lf + 1 };
}

/** A reply: text is a status, a number an integer, `null` nothing, an error an error. */
export type Reply = string | number | null | Buffer | Error | readonly Reply[];

const CRLF = Buffer.from('\r\n');
const NIL = Buffer.from('$-1\r\n');
const OK = Buffer.from('+OK\r\n');

/** Appends the bytes of a reply to what is to be sent. */
export function encodeReply(reply: Reply, into: Buffer[]): void {
  if (reply === 'OK') into.push(OK);
  else if (reply === null) into.push(NIL);
  else if (typeof reply === 'string') into.push(Buffer.from(`+${reply}\r\n`));
  else if (typeof reply === 'number') into.push(Buffer.from(`:${reply}\r\n`));
  else if (reply instanceof Error) into.push(Buffer.from(`-ERR ${reply.message}\r\n`));
  else if (Buffer.isBuffer(reply)) into.push(Buffer.from(`$${reply.length}\r\n`), reply, CRLF);
  else {
    into.push(Buffer.from(`*${reply.length}\r\n`));
    for (const one of reply) encodeReply(one, into);
  }
}
