import { z } from 'zod';

/** What an API key may do; each route declares the one it needs. `admin` includes all. */
export const apiKeyScope = z.enum([
  'credentials:read',
  'connections:read',
  'connections:write',
  'sessions:create',
  'integrations:write',
  'admin',
]);
export type ApiKeyScope = z.infer<typeof apiKeyScope>;
