/**
 * What is used of Bun's own interface, since its types are not installed here.
 */

/** A connection of `Bun.listen`. */
export interface BunSocket {
  readonly data: { queued: Uint8Array[] };
  write(bytes: Uint8Array): number;
}

interface Bun {
  listen(options: {
    hostname: string;
    port: number;
    socket: {
      open(socket: { data: unknown; write(bytes: Uint8Array): number }): void;
      data(socket: BunSocket, chunk: Uint8Array): void;
      drain(socket: BunSocket): void;
      error(socket: BunSocket, error: Error): void;
    };
  }): { readonly port: number };
  serve(options: { hostname: string; port: number; fetch(request: Request): Response }): {
    readonly port: number;
  };
}

/** The global that Bun has. Throws under anything else. */
export function bun(): Bun {
  const global = globalThis as unknown as { readonly Bun?: Bun };
  if (global.Bun === undefined) throw new Error('This driver runs under Bun');
  return global.Bun;
}
