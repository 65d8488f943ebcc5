// Following a task of the server until it is over.

/** @import { Task } from "./editing_messages.js" */

const LOOK_EVERY_MS = 300;

/** @param {Task | null} task */
export const isUnderWay = (task) => task?.state === "queued" || task?.state === "running";

/**
 * Asks how a task stands until it is over or nobody wants to know any more.
 * @param {Task} task
 * @param {{ look: (id: string) => Promise<Task>, wait: (ms: number) => Promise<void>,
 *   tell: (task: Task) => boolean }} how tell: takes the news, and says whether more is wanted
 */
export async function follow(task, { look, wait, tell }) {
  let latest = task;
  while (tell(latest) && isUnderWay(latest)) {
    await wait(LOOK_EVERY_MS);
    latest = await look(task.id);
  }
}
