/** Takes files that are dropped anywhere on the page, instead of the browser, which would leave the page to show them. */
export function takeDropped(take: (files: FileList) => void): void {
  document.addEventListener("dragover", (event) => event.preventDefault());
  document.addEventListener("drop", (event) => {
    event.preventDefault();
    if (event.dataTransfer?.files.length) take(event.dataTransfer.files);
  });
}
