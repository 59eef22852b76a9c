import ipaddr from 'ipaddr.js';

/** IPv6 addresses that the internet routes; everything else is local, mapped or a tunnel to an IPv4 address. */
const GLOBAL_IPV6 = ipaddr.parseCIDR('2000::/3');

const withoutBrackets = (host: string): string => host.replace(/^\[(.*)\]$/, '$1');

/** Whether a URL's host name is an IP address rather than a name. */
export const isAddress = (hostname: string): boolean => ipaddr.isValid(withoutBrackets(hostname));

/**
 * Whether an IP address is one of the public internet: not loopback, private, link-local (where clouds keep their
 * metadata service), shared, reserved, or a tunnel around such an address.
 * @see RFC 6890
 */
export const isPublicAddress = (address: string): boolean => {
  const text = withoutBrackets(address);
  if (!ipaddr.isValid(text)) return false;
  const parsed = ipaddr.process(text);
  if (parsed.range() !== 'unicast') return false;
  return parsed.kind() === 'ipv4' || parsed.match(GLOBAL_IPV6);
};

/** Whether an IP address is the machine itself. */
export const isLoopbackAddress = (address: string): boolean => {
  const text = withoutBrackets(address);
  return ipaddr.isValid(text) && ipaddr.process(text).range() === 'loopback';
};
