// Keys of records and claims: fixed length, so that neither a long id nor a shard key made of them is a burden,
// and one way, so that whoever reads the keys learns no id. The first four bytes tell the type of the record:
// a scan of one type is a range of keys, and whoever sees a key knows what it is about.
import { createHash } from 'node:crypto';
import { Binary } from 'mongodb';
import { keyText } from '../key-text.ts';
import type { RecordType } from '../record-type.ts';

const KIND_BYTES = 4;
const ID_BYTES = 20;

type Named = Pick<RecordType<object>, 'name'>;

/** The key of the record with this id. */
export function recordKey(type: Named, id: string): Binary {
  return new Binary(Buffer.concat([kindOf(type), sha256(keyText(id)).subarray(0, ID_BYTES)]));
}

/** The first key that a record of the type could have, and the last one. */
export function keyRange(type: Named): { first: Binary; last: Binary } {
  const kind = kindOf(type);
  return {
    first: new Binary(Buffer.concat([kind, Buffer.alloc(ID_BYTES)])),
    last: new Binary(Buffer.concat([kind, Buffer.alloc(ID_BYTES, 0xff)])),
  };
}

/** The bytes that every key of the type begins with. */
export function kindOf(type: Named): Buffer {
  return sha256(type.name).subarray(0, KIND_BYTES);
}

/** The key of the claim on a unique value. */
export function claimKey(type: Named, field: string, value: string): Binary {
  const claim = JSON.stringify([type.name, field, keyText(value)]);
  return new Binary(sha256(claim).subarray(0, KIND_BYTES + ID_BYTES));
}

/** The key that a cursor names in base64url; undefined where that is no key. */
export function keyOfText(text: string): Binary | undefined {
  const bytes = Buffer.from(text, 'base64url');
  return bytes.length === KIND_BYTES + ID_BYTES ? new Binary(bytes) : undefined;
}

export function isSameKey(one: Binary, other: Binary): boolean {
  return Buffer.from(one.value()).equals(other.value());
}

export function textOfKey(key: Binary): string {
  return Buffer.from(key.value()).toString('base64url');
}

function sha256(text: string): Buffer {
  return createHash('sha256').update(text).digest();
}
