// Every type of record that the product stores: what the store makes its tables from.
import { accounts, logins } from './accounts/account.ts';
import { consents } from './accounts/consent.ts';
import { clientRecords } from './clients/client.ts';
import { authorizationCodes, deviceCodes } from './grants/one-time-codes.ts';
import { keyRecords } from './keys/keyring.ts';
import {
  accessTokens,
  browserSessions,
  interactions,
  pushedRequests,
  usedProofs,
} from './oidc/engine-records.ts';
import { qrTransactions } from './qr/transaction.ts';
import { deviceSessions } from './sessions/device-session.ts';
import { revocations } from './sessions/revocations.ts';
import { rosters } from './sessions/roster.ts';
import { leases } from './storage/lease.ts';
import type { RecordType } from './storage/record-type.ts';
import { restores } from './storage/restored.ts';
import { tickets } from './tickets/ticket.ts';

export const recordTypes: readonly RecordType<object>[] = [
  accessTokens,
  accounts,
  authorizationCodes,
  browserSessions,
  clientRecords,
  consents,
  deviceCodes,
  deviceSessions,
  interactions,
  keyRecords,
  leases,
  logins,
  pushedRequests,
  qrTransactions,
  restores,
  revocations,
  rosters,
  tickets,
  usedProofs,
];
