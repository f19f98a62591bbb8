// A history of which only what reached the client before a power cut is a promise.
import { type Acknowledgement, History, type Sighting } from '../kill/history.ts'

/**
 * On a machine without power nobody answers any more; behind a file system that is shut down the broker still does. Linux
 * (6.18, ext4) lets an fdatasync that overlaps with the shutdown return 0 without a byte on the device, so what the broker
 * says from that moment on is no promise. A message that was only sent once the disk was dead must never be acknowledged.
 */
export class CutHistory extends History {
  #cut: 'no' | 'begun' | 'done' = 'no'
  readonly #sentAfter = new Set<number>()

  cutBegins(): void {
    this.#cut = 'begun'
  }

  cutIsDone(): void {
    this.#cut = 'done'
  }

  powerIsBack(): void {
    this.#cut = 'no'
  }

  override recordSend(id: number, digest: string): void {
    if (this.#cut === 'done') this.#sentAfter.add(id)
    super.recordSend(id, digest)
  }

  override recordAcknowledgement(given: Acknowledgement): void {
    if (this.#sentAfter.has(given.id)) {
      const detail = `message ${given.id} was acknowledged though the disk was gone before it came`
      this.problems.push({ kind: 'lost', detail })
    }
    if (this.#cut === 'no') super.recordAcknowledgement(given)
  }

  override recordSighting(sighting: Sighting): void {
    if (this.#cut === 'no') super.recordSighting(sighting)
  }
}
