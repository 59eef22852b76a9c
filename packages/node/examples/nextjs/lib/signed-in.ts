/** Who is signed in. In your app: from the session of your own login, such as Auth.js. */
export const signedIn = async (): Promise<{ tenantId: string; userId: string }> => ({
  tenantId: 'org_acme',
  userId: 'user_123',
});
