// Reading a stream of server-sent events, one after the other.
export interface ReadEvent {
  id: string;
  event: string;
  // biome-ignore lint/suspicious/noExplicitAny: JSON of any shape
  data: any;
}

/** `next` answers undefined when the server has closed the stream. */
export function eventsOf(response: Response): { next(): Promise<ReadEvent | undefined>; text(): string } {
  const reader = response.body?.pipeThrough(new TextDecoderStream()).getReader();
  let text = '';
  let rest = '';

  async function next(): Promise<ReadEvent | undefined> {
    const end = rest.indexOf('\n\n');
    if (end >= 0) {
      const block = rest.slice(0, end);
      rest = rest.slice(end + 2);
      return block.includes('event:') ? parsed(block) : next();
    }
    const chunk = await reader?.read();
    if (!chunk || chunk.done) return undefined;

    text += chunk.value;
    rest += chunk.value;
    return next();
  }

  return { next, text: () => text };
}

function parsed(block: string): ReadEvent {
  const field = (name: string) => new RegExp(`^${name}: (.*)$`, 'm').exec(block)?.[1] ?? '';
  return { id: field('id'), event: field('event'), data: JSON.parse(field('data')) };
}
