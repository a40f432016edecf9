import type { Request } from '../../protocol/backend.ts';
import { Reply } from '../../protocol/reply.ts';
import type { Services } from '../services.ts';

/** AWS: API_DescribeLimits; the default quotas, as no account here has others. */
export function describeLimits(_services: Services, _request: Request): Reply {
  return new Reply({
    AccountMaxReadCapacityUnits: 80_000,
    AccountMaxWriteCapacityUnits: 80_000,
    TableMaxReadCapacityUnits: 40_000,
    TableMaxWriteCapacityUnits: 40_000,
  });
}
