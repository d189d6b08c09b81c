/**
 * Classes that work without `new`, and as a base of constructors of old.
 */

import { EventEmitter } from 'node:events';
import { describe, expect, it } from 'vitest';
import { adoptable, callable } from '../../../src/io/net/callable.ts';

const Base: typeof EventEmitter = adoptable(EventEmitter);

class Counter extends Base {
  #count: number;

  constructor(from?: number) {
    super();
    this.#count = from ?? 0;
  }

  next(): number {
    this.#count += 1;
    return this.#count;
  }
}

type Callable = typeof Counter & ((from?: number) => Counter);
const Face = callable(Counter, ([from]) => (from === 99 ? { substitute: true } : null)) as Callable;

describe('callable', () => {
  it('is a class, with or without new', () => {
    expect([new Face(1).next(), Face(2).next()]).toEqual([2, 3]);
    expect(Face(0)).toBeInstanceOf(Face);
    expect(new Face().constructor).toBe(Face);
  });

  it('is a base of classes and of constructors of old', () => {
    class Derived extends Face {
      readonly own = 1;
    }
    function Old(this: Counter): void {
      Reflect.apply(Face, this, [10]);
    }
    Object.setPrototypeOf(Old.prototype, Face.prototype);
    const old = Reflect.construct(Old, []) as Counter;
    const derived = new Derived(4);
    expect([derived.next(), derived.own, old.next(), old.next()]).toEqual([5, 1, 11, 12]);
    expect([derived instanceof Face, old instanceof Face]).toEqual([true, true]);
    old.on('x', () => {});
    expect([old.listenerCount('x'), new Face().listenerCount('x')]).toEqual([1, 0]);
  });

  it('lets another object stand in, but not for a subclass', () => {
    class Derived extends Face {}
    expect(new Face(99)).toEqual({ substitute: true });
    expect(Face(99)).toEqual({ substitute: true });
    expect(new Derived(99)).toBeInstanceOf(Derived);
  });

  it('adopts nobody after a constructor that threw', () => {
    const Throwing = callable(
      class extends Base {
        constructor() {
          if (Base !== undefined) throw new TypeError('on purpose');
          super();
        }
      },
      () => null,
    );
    const self = Object.create(Throwing.prototype) as object;
    expect(() => Reflect.apply(Throwing as never, self, [])).toThrow('on purpose');
    expect(new Counter(1)).not.toBe(self);
  });
});
