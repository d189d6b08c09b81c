/**
 * IP addresses: text to the bytes that a `sockaddr` holds, and back.
 *
 * Parsing takes exactly what inet_pton(3) takes, formatting gives what inet_ntop(3) gives, which
 * is what Node shows. Zones (`%eth0`) are not part of an address here.
 */

/** Parses `127.0.0.1` into 4 bytes; `null` if it is no such address. */
export function parseIpv4(text: string): Uint8Array | null {
  const parts = text.split('.');
  if (parts.length !== 4) return null;
  const bytes = new Uint8Array(4);
  for (const [index, part] of parts.entries()) {
    // A leading zero would mean octal to some readers: refused, as inet_pton(3) does.
    if (!/^(0|[1-9]\d{0,2})$/.test(part) || Number(part) > 255) return null;
    bytes[index] = Number(part);
  }
  return bytes;
}

/** Formats 4 bytes as `127.0.0.1`. */
export function formatIpv4(bytes: Uint8Array): string {
  return bytes.subarray(0, 4).join('.');
}

/** Parses `::1`, `::ffff:127.0.0.1` and so on into 16 bytes; `null` if it is no such address. */
export function parseIpv6(text: string): Uint8Array | null {
  const [before, after, rest] = text.split('::');
  if (before === undefined || rest !== undefined) return null;
  const isCompressed = after !== undefined;
  const head = parseGroups(before, !isCompressed);
  const tail = isCompressed ? parseGroups(after, true) : [];
  if (head === null || tail === null) return null;
  const missing = 16 - head.length - tail.length;
  if (isCompressed ? missing < 2 : missing !== 0) return null;
  const bytes = new Uint8Array(16);
  bytes.set(head, 0);
  bytes.set(tail, 16 - tail.length);
  return bytes;
}

/** Parses groups between colons into bytes; the last one may be an IPv4 address. */
function parseGroups(text: string, mayEndInIpv4: boolean): number[] | null {
  if (text === '') return [];
  const bytes: number[] = [];
  const groups = text.split(':');
  for (const [index, group] of groups.entries()) {
    if (mayEndInIpv4 && index === groups.length - 1 && group.includes('.')) {
      const quad = parseIpv4(group);
      if (quad === null) return null;
      bytes.push(...quad);
      continue;
    }
    if (!/^[0-9a-f]{1,4}$/i.test(group)) return null;
    const value = Number.parseInt(group, 16);
    bytes.push(value >> 8, value & 0xff);
  }
  return bytes;
}

/** Formats 16 bytes, the longest run of zeros shortened, as `fe80::1` or `::ffff:127.0.0.1`. */
export function formatIpv6(bytes: Uint8Array): string {
  const groups: number[] = [];
  for (let i = 0; i < 16; i += 2) groups.push(((bytes[i] ?? 0) << 8) | (bytes[i + 1] ?? 0));
  const { start, length } = longestZeroRun(groups);
  const isMapped = start === 0 && length === 5 && groups[5] === 0xffff;
  const isCompatible = start === 0 && length === 6;
  if (isMapped || isCompatible) {
    return `${isMapped ? '::ffff:' : '::'}${formatIpv4(bytes.subarray(12, 16))}`;
  }
  const hex = groups.map((group) => group.toString(16));
  if (length < 2) return hex.join(':');
  return `${hex.slice(0, start).join(':')}::${hex.slice(start + length).join(':')}`;
}

/** The first of the longest runs. */
function longestZeroRun(groups: readonly number[]): { start: number; length: number } {
  let start = 0;
  let length = 0;
  let run = 0;
  for (const [index, group] of groups.entries()) {
    run = group === 0 ? run + 1 : 0;
    if (run > length) {
      length = run;
      start = index - run + 1;
    }
  }
  return { start, length };
}
