/**
 * A callback scope of Node's around a call that libuv makes through koffi.
 *
 * Node wraps each callback of its own in such a scope, and whatever calls back inside of another
 * one (a TLS record that is decrypted, an `fs` call that fails on the spot) leaves `nextTick` and
 * microtasks to the outermost. A call through koffi has no scope: each inner one would take itself
 * for the outermost, run other people's ticks in the middle of a function, and report rejections
 * that the next line handles.
 *
 * The only scope that JavaScript can open is the one around the callbacks of Node's HTTP parser. So
 * a parser is fed requests without end: each turn the rest of one message and the first letter of
 * the next, which calls `kOnMessageBegin` in a scope that drains nothing itself. Where there is no
 * such parser, or it does not call, the scope is none.
 */

import { createRequire } from 'node:module';

/** Runs a function that does not throw. */
export type RunInScope = (run: () => void) => void;

interface Parser {
  [event: number]: () => void;
  initialize(type: number, resource: object): void;
  execute(bytes: Uint8Array): unknown;
}

interface ParserClass {
  readonly REQUEST: number;
  readonly kOnMessageBegin: number;
  new (): Parser;
}

const FIRST = Buffer.from('G');
/** Ends a message and begins the next. */
const NEXT = Buffer.from('ET / HTTP/1.1\r\n\r\nG');

/** Returns what runs a function in a scope, or in none where Node offers none. */
export function callbackScope(): RunInScope {
  const parserClass = findParserClass();
  if (parserClass === null) return runPlainly;
  const parser = new parserClass();
  let pending: (() => void) | null = null;
  parser[parserClass.kOnMessageBegin] = () => {
    const run = pending;
    pending = null;
    run?.();
  };
  const callsBack = (bytes: Uint8Array): boolean => {
    let hasRun = false;
    pending = () => {
      hasRun = true;
    };
    parser.execute(bytes);
    return hasRun;
  };
  parser.initialize(parserClass.REQUEST, {});
  // Proven before it is relied on: the first message, and one behind another.
  if (!callsBack(FIRST) || !callsBack(NEXT)) return runPlainly;
  return (run) => {
    pending = run;
    parser.execute(NEXT);
    if (pending === null) return;
    pending = null;
    run();
  };
}

function runPlainly(run: () => void): void {
  run();
}

function findParserClass(): ParserClass | null {
  try {
    const require = createRequire(import.meta.url);
    const { HTTPParser } = require('node:_http_common') as { HTTPParser?: ParserClass };
    return typeof HTTPParser?.kOnMessageBegin === 'number' ? HTTPParser : null;
  } catch {
    // A Node without this module, or one that forbids it: no scope is what there was before.
    return null;
  }
}
