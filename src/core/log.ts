// The log: JSON lines on stderr, one event each, fit to be kept and searched. Nothing that lets anyone in may
// stand there (I7), whoever writes the line: fields are blanked by name wherever they are nested, requests
// are written without their query, errors without what they carry along.
//
// Facts are walked once before they are written. pino's own redaction by path finds a field only at depths
// that are listed, and with this many names it took 0.4 ms a line, more than most requests do.
import pino from 'pino';

/** Facts first, then a sentence that is the same for every event of its kind. */
export type LogMethod = (facts: object, message: string) => void;

export interface Log {
  readonly trace: LogMethod;
  readonly debug: LogMethod;
  readonly info: LogMethod;
  readonly warn: LogMethod;
  readonly error: LogMethod;
  readonly fatal: LogMethod;
}

export type LogLevel = keyof Log | 'silent';

export interface LogOptions {
  readonly level: LogLevel;
  /** Where lines go; stderr where none is given. */
  readonly destination?: { write(line: string): void };
}

/** Names of fields whose values never reach the log, as `fieldKey` writes them. */
const secretFields = new Set(
  `accesstoken actortoken assertion authorization clientassertion clientsecret code codechallenge codeverifier
   cookie csrf devicecode dpop handshake idtoken idtokenhint jwks mapticket maptoken mastersecret newpassword
   number pamtoken passphrase password passwordhash pollsecret previousmastersecret privatekey
   proxyauthorization refreshtoken salt secret setcookie smtpurl subjecttoken token usercode`.split(/\s+/),
);

/** Facts are flat; this leaves room for a careless line, and ends circles. */
const DEPTH_MAX = 6;

export function createLog(options: LogOptions): Log {
  const settings: pino.LoggerOptions = {
    level: options.level,
    base: null,
    timestamp: pino.stdTimeFunctions.isoTime,
    formatters: { level: (label) => ({ level: label }), log: (facts) => safeFields(facts, 0) },
    // pino would put its own picture of the error over ours.
    serializers: { err: (facts) => facts },
  };
  return pino(settings, options.destination ?? pino.destination({ fd: 2, sync: true }));
}

function safeFields(fields: object, depth: number): Record<string, unknown> {
  const entries = Object.entries(fields).map(([name, value]) => [name, safeField(name, value, depth)]);
  return Object.fromEntries(entries);
}

function safeField(name: string, value: unknown, depth: number): unknown {
  if (value === undefined) return undefined;
  if (secretFields.has(fieldKey(name))) return '[secret]';
  if (name === 'request' || name === 'req') return requestFacts(value);

  return safeValue(value, depth + 1);
}

function safeValue(value: unknown, depth: number): unknown {
  if (value instanceof Error) return errorFacts(value, depth);
  if (typeof value !== 'object' || value === null) return value;
  if (depth >= DEPTH_MAX) return '[deeper]';
  if (Array.isArray(value)) return value.map((item) => safeValue(item, depth + 1));
  if ('toJSON' in value && typeof value.toJSON === 'function') return safeValue(value.toJSON(), depth + 1);

  return safeFields(value, depth);
}

/** `client_secret`, `clientSecret` and `Client-Secret` are one name. */
function fieldKey(name: string): string {
  return name.replaceAll(/[_-]/g, '').toLowerCase();
}

/** Method and path alone: queries carry codes, states and hints. */
function requestFacts(request: unknown): unknown {
  if (typeof request !== 'object' || request === null) return '[no request]';

  const { method, path, url } = request as { method?: unknown; path?: unknown; url?: unknown };
  return { method: String(method), path: String(path ?? url ?? '').replace(/[?#].*$/s, '') };
}

/** What kind of error it was and where; fields that libraries hang on errors (bodies, requests) stay away. */
function errorFacts(error: Error, depth: number): unknown {
  if (depth >= DEPTH_MAX) return '[deeper]';

  const { cause, code, detail } = error as Error & { code?: unknown; detail?: unknown };
  return {
    type: error.name,
    message: withoutSecrets(error.message),
    // Not `code`, which elsewhere is the name of a secret.
    ...(code !== undefined && { errorCode: String(code) }),
    ...(typeof detail === 'string' && { detail: withoutSecrets(detail) }),
    stack: withoutSecrets(error.stack ?? ''),
    ...(cause !== undefined && { cause: safeValue(cause, depth + 1) }),
  };
}

/** Longest message or stack that is written; patterns over longer ones would cost more than they tell. */
const TEXT_MAX = 8_192;

/** Takes away what libraries quote in messages: passwords, queries and fragments of URLs, and JWTs. */
function withoutSecrets(text: string): string {
  return text
    .slice(0, TEXT_MAX)
    .replaceAll(/([a-z][a-z0-9+.-]{1,20}:\/\/)[^\s/@]+@/gi, '$1[secret]@')
    .replaceAll(/([a-z][a-z0-9+.-]{1,20}:\/\/[^\s?#"')]*)[?#][^\s"')]*/gi, '$1')
    .replaceAll(/\beyJ[\w-]+\.[\w-]+\.[\w-]*/g, '[secret]');
}
