// Files that the page gives to the person.

/** Gives the person a file. @param {Blob} blob @param {string} name */
export function save(blob, name) {
  const link = window.document.createElement("a");
  link.href = URL.createObjectURL(blob);
  link.download = name;
  link.click();
  setTimeout(() => URL.revokeObjectURL(link.href), 10_000);
}
