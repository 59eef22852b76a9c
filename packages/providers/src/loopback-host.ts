/**
 * Whether `host`, with or without a port, is this computer: `localhost`, `*.localhost`, `127.0.0.0/8` in its plain form,
 * or `[::1]`. @see RFC 6761 section 6.3, RFC 5735 section 3
 */
export function isLoopbackHost(host: string): boolean {
  const match = LOOPBACK.exec(host);
  if (!match) return false;
  const [, octets, port] = match;
  return (
    (octets ?? '').split('.').every((octet) => Number(octet) <= 255) &&
    (port === undefined || Number(port) <= 65_535)
  );
}

const LOOPBACK =
  /^(?:(?:[a-z0-9](?:[a-z0-9-]*[a-z0-9])?\.)*localhost|127\.(\d{1,3}\.\d{1,3}\.\d{1,3})|\[::1\])(?::(\d{1,5}))?$/i;
