/** Somebody has changed their mind. It is not an error that a page shows. */
export class Cancelled extends Error {
  constructor() {
    super("Cancelled.");
    this.name = "Cancelled";
  }
}
