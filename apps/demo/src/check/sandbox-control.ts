/** The sandbox org's control endpoints, as far as the check needs them. */
export interface SandboxControl {
  /** Revokes a person's grants, as an administrator of the org would. */
  revokeGrants(user: string): Promise<void>;
  /** How many grants stand at the org. */
  countGrants(): Promise<number>;
}

/** Talks to `/control/api` of the org at `orgUrl`. */
export const sandboxControl = (orgUrl: string): SandboxControl => {
  const call = async (method: 'GET' | 'POST', path: string, body?: unknown): Promise<unknown> => {
    const response = await fetch(new URL(`/control/api/${path}`, orgUrl), {
      method,
      ...(body === undefined
        ? {}
        : { headers: { 'Content-Type': 'application/json' }, body: JSON.stringify(body) }),
    });
    if (!response.ok)
      throw new Error(`The sandbox's control answered ${response.status}: ${await response.text()}`);
    return response.json();
  };
  return {
    async revokeGrants(user) {
      await call('POST', 'grants/revoke', { user });
    },
    async countGrants() {
      const grants = (await call('GET', 'grants')) as unknown[];
      return grants.length;
    },
  };
};
