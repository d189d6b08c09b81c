/**
 * Options of a datagram socket, group memberships among them, as setsockopt(2) takes them. Errors
 * are worded as `node:dgram` words them.
 */

import {
  AF_INET,
  IP_ADD_MEMBERSHIP,
  IP_DROP_MEMBERSHIP,
  IP_MULTICAST_IF,
  IP_MULTICAST_LOOP,
  IP_MULTICAST_TTL,
  IP_TTL,
  IPPROTO_IP,
  IPPROTO_IPV6,
  IPV6_JOIN_GROUP,
  IPV6_LEAVE_GROUP,
  IPV6_MULTICAST_HOPS,
  IPV6_MULTICAST_IF,
  IPV6_MULTICAST_LOOP,
  IPV6_UNICAST_HOPS,
  EINVAL,
  parseIpv4,
  parseIpv6,
  SO_BROADCAST,
  SO_RCVBUF,
  SO_SNDBUF,
  SOL_SOCKET,
} from '../../native/abi.ts';
import { systemError } from '../../runtime/index.ts';
import type { Engine } from '../../runtime/index.ts';
import { endpoint } from '../tcp/address.ts';
import type { UdpOption } from './udp-transport.ts';

type Calls = Engine['calls'];
type Place = readonly [level: number, option: number];

/** Where each option is, for IPv4 and for IPv6, and the call of Node's that errors name. */
const PLACES: Readonly<Record<UdpOption, readonly [four: Place, six: Place, call: string]>> = {
  broadcast: [[SOL_SOCKET, SO_BROADCAST], [SOL_SOCKET, SO_BROADCAST], 'setBroadcast'],
  ttl: [[IPPROTO_IP, IP_TTL], [IPPROTO_IPV6, IPV6_UNICAST_HOPS], 'setTTL'],
  multicastTtl: [
    [IPPROTO_IP, IP_MULTICAST_TTL],
    [IPPROTO_IPV6, IPV6_MULTICAST_HOPS],
    'setMulticastTTL',
  ],
  multicastLoopback: [
    [IPPROTO_IP, IP_MULTICAST_LOOP],
    [IPPROTO_IPV6, IPV6_MULTICAST_LOOP],
    'setMulticastLoopback',
  ],
  receiveBufferSize: [[SOL_SOCKET, SO_RCVBUF], [SOL_SOCKET, SO_RCVBUF], 'uv_recv_buffer_size'],
  sendBufferSize: [[SOL_SOCKET, SO_SNDBUF], [SOL_SOCKET, SO_SNDBUF], 'uv_send_buffer_size'],
};

/** Sets an option that is a number. */
export function applyOption(
  calls: Calls,
  fd: number,
  domain: number,
  option: UdpOption,
  value: number,
): void {
  const [four, six, call] = PLACES[option];
  const [level, name] = domain === AF_INET ? four : six;
  check(calls.setOption(fd, level, name, value), call);
}

/** A group, and where. */
interface Membership {
  readonly isMember: boolean;
  readonly group: string;
  readonly interfaceName: string | undefined;
}

/** Joins or leaves a group. */
export function applyMembership(calls: Calls, fd: number, membership: Membership): void {
  const { isMember, group, interfaceName } = membership;
  const call = isMember ? 'addMembership' : 'dropMembership';
  const four = parseIpv4(group);
  if (four !== null) {
    // struct ip_mreq: the group, and the address of the interface.
    const at = interfaceName === undefined ? new Uint8Array(4) : parseIpv4(interfaceName);
    const option = isMember ? IP_ADD_MEMBERSHIP : IP_DROP_MEMBERSHIP;
    if (at === null) check(-EINVAL, call);
    else check(calls.setOptionBytes(fd, IPPROTO_IP, option, Buffer.concat([four, at])), call);
    return;
  }
  const six = parseIpv6(group.split('%')[0] ?? '');
  if (six === null) {
    check(-EINVAL, call);
    return;
  }
  // struct ipv6_mreq: the group, and the number of the interface.
  const request = Buffer.alloc(20);
  request.set(six);
  request.writeUInt32LE(endpoint(interfaceName ?? group, 6, 0).scopeId, 16);
  const option = isMember ? IPV6_JOIN_GROUP : IPV6_LEAVE_GROUP;
  check(calls.setOptionBytes(fd, IPPROTO_IPV6, option, request), call);
}

/** Chooses where multicast goes out: an IPv4 address, or `::%eth0`. */
export function applyMulticastInterface(
  calls: Calls,
  fd: number,
  domain: number,
  interfaceName: string,
): void {
  if (domain === AF_INET) {
    const address = parseIpv4(interfaceName);
    const result =
      address === null ? -EINVAL : calls.setOptionBytes(fd, IPPROTO_IP, IP_MULTICAST_IF, address);
    check(result, 'setMulticastInterface');
    return;
  }
  const { scopeId } = endpoint(interfaceName, 6, 0);
  check(calls.setOption(fd, IPPROTO_IPV6, IPV6_MULTICAST_IF, scopeId), 'setMulticastInterface');
}

function check(result: number, call: string): void {
  if (result < 0) throw systemError(result, call, { form: 'net' });
}
