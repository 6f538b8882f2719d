// The scan: the first one wins and its codes die with it (M4, M5). A second scanner of a code that was good
// hears `already_used`, which is worth a warning; anything else is `invalid_code`.
import type { QrTransactionId } from '../core/ids.ts';
import type { QrDeps } from './arrow.ts';
import { takeArrow } from './arrow.ts';
import type { BindingRequest } from './binding.ts';
import { bindingOf } from './binding.ts';
import type { QrDirection } from './direction.ts';
import { directions } from './direction.ts';
import type { OpenTransactions } from './open-transactions.ts';
import type { Refused } from './refusal.ts';
import { refused } from './refusal.ts';
import type { Grantor, QrTransaction } from './transaction.ts';
import { stateAt } from './transaction.ts';
import {
  handshakeOf,
  judgeScannedCode,
  keyOf,
  liveCodeHashes,
  matchNumberOf,
  newPollSecret,
  pollSecretHash,
} from './transaction-secrets.ts';
import type { ScannerFields } from './transition.ts';
import { nextState } from './transition.ts';
import type { RequestDetails } from './viewing.ts';
import { requestDetails } from './viewing.ts';

export interface ScanningDeps extends QrDeps {
  readonly openTransactions: OpenTransactions;
}

/** The scanner of the direction: the grantor (map) or the future grantee (pam). */
export type Scanner =
  | { readonly role: 'grantor'; readonly grantor: Grantor }
  | { readonly role: 'grantee'; readonly binding: BindingRequest };

export interface ScanRequest {
  readonly id: string;
  readonly code: string;
  /** From the address that was scanned: `/q/m/…` or `/q/p/…`. */
  readonly direction: QrDirection;
  readonly scanner: Scanner;
  /** The scan came from the landing page of a generic camera: the number is asked in any case. */
  readonly insistOnNumber?: boolean;
}

export type Scanned = {
  readonly kind: 'scanned';
  readonly id: QrTransactionId;
  readonly request: RequestDetails;
} & (
  | {
      readonly role: 'grantor';
      /** Shown again at approval; works for this session alone. */
      readonly handshake: string;
    }
  | {
      readonly role: 'grantee';
      /** What the scanner polls and redeems with; absent where it is bound by a cookie. */
      readonly pollSecret?: string;
      /** For the scanner's own screen, where the grantor's screen asks for it. */
      readonly matchNumber?: string;
    }
);

export async function scanTransaction(deps: ScanningDeps, request: ScanRequest): Promise<Scanned | Refused> {
  if (request.scanner.role !== directions[request.direction].scanner) {
    return refused({ code: 'wrong_direction' });
  }
  const side = scannerSide(request);
  const outcome = await takeArrow(deps, {
    id: request.id,
    absent: { code: 'invalid_code' },
    decide: async (transaction, now) => {
      const key = await keyOf(deps.keys, transaction);
      const code = judgeScannedCode(key, transaction, request.code, now);
      const codeHashes = liveCodeHashes(key, transaction, now);
      const { direction, insistOnNumber = false } = request;
      const scanner = side.fields;
      return nextState(
        transaction,
        { kind: 'scan', direction, code, codeHashes, scanner, insistOnNumber },
        now,
      );
    },
  });
  if (outcome.kind === 'refused') {
    const again = outcome.refusal.code === 'already_used';
    return (again && (await sameScanAgain(deps, request, outcome.transaction))) || refused(outcome.refusal);
  }
  deps.openTransactions.forget(request.id);
  return scanAnswer(deps, outcome.transaction, side);
}

interface ScannerSide {
  readonly scanner: Scanner;
  readonly fields: ScannerFields;
  readonly pollSecret?: string;
}

function scannerSide({ id, scanner }: ScanRequest): ScannerSide {
  if (scanner.role === 'grantor') return { scanner, fields: { grantor: scanner.grantor } };

  const binding = bindingOf(scanner.binding, id);
  if (binding.kind === 'cookie') return { scanner, fields: { binding } };

  const pollSecret = newPollSecret(id);
  return { scanner, fields: { binding, pollSecretHash: pollSecretHash(pollSecret) }, pollSecret };
}

/**
 * The grantor whose scan won but whose answer was lost may scan once more and hears it again: the handshake is
 * derived from its session. Everybody else stays refused.
 */
async function sameScanAgain(
  deps: QrDeps,
  request: ScanRequest,
  transaction: QrTransaction | undefined,
): Promise<Scanned | undefined> {
  if (!transaction || request.scanner.role !== 'grantor') return undefined;
  if (transaction.grantor?.sessionId !== request.scanner.grantor.sessionId) return undefined;

  const afterScan = transaction.confirm === 'none' ? 'approved' : 'scanned';
  if (stateAt(transaction, deps.clock.now()) !== afterScan) return undefined;

  return scanAnswer(deps, transaction, scannerSide(request));
}

async function scanAnswer(deps: QrDeps, transaction: QrTransaction, side: ScannerSide): Promise<Scanned> {
  const key = await keyOf(deps.keys, transaction);
  const { id } = transaction;
  const answer = { kind: 'scanned', id, request: requestDetails(transaction, deps.clock.now()) } as const;
  if (side.scanner.role === 'grantor') {
    const handshake = handshakeOf(key, id, side.scanner.grantor.sessionId);
    return { ...answer, role: 'grantor', handshake };
  }
  return {
    ...answer,
    role: 'grantee',
    ...(side.pollSecret !== undefined && { pollSecret: side.pollSecret }),
    ...(transaction.confirm === 'number' && { matchNumber: matchNumberOf(key, transaction) }),
  };
}
