/**
 * Classes that can be called: `Socket()` without `new`, and `Socket.call(this)` from the
 * constructors of old, as with Node's.
 *
 * The class extends `adoptable(Base)`, and users get `callable(Class)`. Called with a `this` that
 * inherits from the class, the constructor runs on that very object: the base returns it in place
 * of the one that was made, and the private fields are put on it.
 */

type Constructor = abstract new (...args: never[]) => object;

let adopted: object | null = null;

/** A base class that initializes the object that is being adopted, where there is one. */
export function adoptable<T extends Constructor>(base: T): T {
  function Adopting(this: object, ...args: unknown[]): object {
    const self = adopted ?? this;
    adopted = null;
    Reflect.apply(base, self, args);
    return self;
  }
  Adopting.prototype = base.prototype as object;
  Object.setPrototypeOf(Adopting, base);
  return Adopting as unknown as T;
}

/**
 * The class as users get it. `stand` may give an object in place of one of the class, when the
 * class itself and not a subclass is asked for.
 */
export function callable<T extends Constructor>(
  target: T,
  stand: (args: unknown[]) => object | null,
): T {
  const face: T = new Proxy(target, {
    construct(_target, args: unknown[], newTarget: unknown): object {
      const own = newTarget === face ? stand(args) : null;
      return own ?? (Reflect.construct(target as never, args, newTarget as never) as object);
    },
    apply(_target, self: unknown, args: unknown[]): object {
      if (!(self instanceof target)) return Reflect.construct(face as never, args) as object;
      adopted = self;
      try {
        return Reflect.construct(target as never, args) as object;
      } finally {
        adopted = null;
      }
    },
  });
  Object.defineProperty(target.prototype, 'constructor', {
    value: face,
    writable: true,
    configurable: true,
  });
  return face;
}
