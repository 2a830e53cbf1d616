// The memory over REST, with nothing but `fetch`: record an exchange, read what is remembered.
//
//   elephantasm-mcp serve --transport http
//   node memory.ts            (Node 22.18 or later; 22.6 with --experimental-strip-types)
//
// ELEPHANTASM_ENDPOINT and ELEPHANTASM_API_KEY say where the server is and who asks.

interface MemoryEvent {
  id: string;
  handle: string;
  content: string;
}

interface NewEvent {
  anima_id: string;
  event_type: "message.in" | "message.out" | "tool.call" | "tool.result" | "system";
  content: string;
  session_id?: string;
  author?: string;
}

interface MemoryPack {
  token_count: number;
  content: { context: string };
}

class MemoryError extends Error {
  readonly status: number;
  readonly code: string;

  constructor(detail: string, status: number, code: string) {
    super(detail);
    this.status = status;
    this.code = code;
  }
}

const endpoint: string = (process.env.ELEPHANTASM_ENDPOINT ?? "http://127.0.0.1:8765").replace(/\/+$/, "");
const key: string | undefined = process.env.ELEPHANTASM_API_KEY;
const DEADLINE_MS = 30_000;

async function ask<T>(method: "GET" | "POST", path: string, body?: object): Promise<T> {
  const response: Response = await fetch(endpoint + path, {
    method,
    headers: {
      ...(body ? { "Content-Type": "application/json" } : {}),
      ...(key ? { Authorization: `Bearer ${key}` } : {}),
    },
    body: body ? JSON.stringify(body) : undefined,
    redirect: "error",
    signal: AbortSignal.timeout(DEADLINE_MS),
  });
  const answer = await response.json();
  if (!response.ok) {
    throw new MemoryError(answer.detail, response.status, answer.code);
  }
  return answer as T;
}

/** Record both sides of an exchange, all or none. */
function record(anima: string, session: string, question: string, reply: string): Promise<MemoryEvent[]> {
  const shared = { anima_id: anima, session_id: session };
  const events: NewEvent[] = [
    { ...shared, event_type: "message.in", content: question, author: "Nadia" },
    { ...shared, event_type: "message.out", content: reply },
  ];
  return ask<MemoryEvent[]>("POST", "/api/events/batch", { events });
}

/** What is remembered, compiled for a prompt; null as long as nothing was recorded. */
function recall(anima: string, query: string): Promise<MemoryPack | null> {
  const asked = new URLSearchParams({ query });
  const path = `/api/animas/${encodeURIComponent(anima)}/memory-packs/latest?${asked}`;
  return ask<MemoryPack | null>("GET", path);
}

const anima = "typescript-example";
await ask("POST", "/api/animas", { name: anima, description: "Of examples/typescript" });
const events = await record(anima, "chat-1", "I am allergic to hazelnuts.", "Noted: no hazelnuts ☕.");
console.log(events.map((event) => `${event.handle}  ${event.content}`).join("\n"));

const pack = await recall(anima, "what may Nadia not eat?");
console.log(pack?.content.context ?? "Nothing is remembered yet.");

try {
  await recall("nobody", "anything");
} catch (error) {
  if (!(error instanceof MemoryError)) throw error;
  console.log(`${error.status} ${error.code}: ${error.message}`);
}
