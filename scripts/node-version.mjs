// Imported before everything else and written in old syntax, so that an old Node says what is wrong instead of failing on newer code.
const [major, minor] = process.versions.node.split('.').map(Number)

if (major < 20 || (major === 20 && minor < 19)) {
  process.stderr.write(
    'SecureChat needs Node 20.19 or newer; this is Node ' +
      process.versions.node +
      ' (' +
      process.execPath +
      ').\nInstall a current Node (from nodejs.org, or with nvm: nvm install 22) and run the command again.\n',
  )
  process.exit(1)
}
