/**
 * Addresses as Java prints them, because access rules name hosts so: IPv6 in full, without leading zeros
 * (`0:0:0:0:0:0:0:1`), and IPv4 that comes by way of IPv6 as IPv4. Source: java.net.InetAddress.getHostAddress.
 */

const IPV4_IN_IPV6 = /^::ffff:(\d+\.\d+\.\d+\.\d+)$/i;
const GROUPS = 8;

/** `address` as it comes from a socket; what is no IPv6 address stays as it is. */
export function javaAddress(address: string): string {
  const mapped = IPV4_IN_IPV6.exec(address)?.[1];
  if (mapped !== undefined) return mapped;
  if (!address.includes(':')) return address;
  const [digits = '', ...zone] = address.split('%');
  const [before = '', after] = digits.split('::');
  const head = groupsOf(before);
  const tail = groupsOf(after ?? '');
  const zeros = after === undefined ? 0 : Math.max(0, GROUPS - head.length - tail.length);
  const groups = [...head, ...Array.from({ length: zeros }, () => '0'), ...tail];
  return [groups.join(':'), ...zone].join('%');
}

function groupsOf(text: string): string[] {
  if (text === '') return [];
  return text.split(':').map((group) => group.toLowerCase().replace(/^0+(?=.)/, ''));
}
