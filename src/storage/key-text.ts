// Ids and unique values as databases compare them. They know only well-formed Unicode and would make all lone
// surrogates the same character; such strings are spelt as JSON behind a mark, so that none equals another.

/** A character that Unicode reserves for no text. */
const ESCAPED = '\u{FFFE}';

export function keyText(value: string): string {
  const plain = value.isWellFormed() && !value.startsWith(ESCAPED);
  return plain ? value : ESCAPED + JSON.stringify(value);
}

/** The string that `keyText` spelt. */
export function keyValueOf(text: string): string {
  return text.startsWith(ESCAPED) ? JSON.parse(text.slice(ESCAPED.length)) : text;
}
