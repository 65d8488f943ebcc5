// Runs before the first paint, so that a remembered theme does not flash. Without one the system's is used.
{
  const remembered = localStorage.getItem("latent-loom.theme");
  if (remembered === "dark" || remembered === "light") document.documentElement.dataset.theme = remembered;
}
