// A file of its own and no module: it must run before the first paint, and the content security policy allows no inline script.
try {
  const theme = localStorage.getItem('securechat.theme')
  if (theme === 'light' || theme === 'dark') document.documentElement.dataset.theme = theme
} catch {
  // No storage (blocked by the user): the system's theme it is.
}
