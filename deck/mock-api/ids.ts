const ALPHABET = "0123456789ABCDEFGHJKMNPQRSTVWXYZ";
let counter = 0;

/** An id in the form of a ULID; later ones sort after earlier ones. */
export function nextId(time = Date.now()): string {
  let head = "";
  let rest = time;
  for (let digit = 0; digit < 10; digit++) {
    head = ALPHABET.charAt(rest % 32) + head;
    rest = Math.floor(rest / 32);
  }
  let tail = "";
  let number = ++counter;
  for (let digit = 0; digit < 16; digit++) {
    number = (number * 1_103_515_245 + 12_345) % 2_147_483_648;
    tail += ALPHABET.charAt(Math.floor(number / 65_536) % 32);
  }
  return head + tail;
}
