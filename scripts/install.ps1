# Finds a Python and runs install.py with it; every option is passed on.
$ErrorActionPreference = 'Stop'
$script = Join-Path $PSScriptRoot 'install.py'
$test = 'import sys; sys.exit(sys.version_info < (3, 10))'
foreach ($candidate in @(@('py', '-3'), @('python3'), @('python'))) {
    if (-not (Get-Command $candidate[0] -ErrorAction SilentlyContinue)) { continue }
    $rest = @($candidate | Select-Object -Skip 1)
    # The Store's stand-in for python.exe exists but answers with an error.
    & $candidate[0] @rest -c $test 2>$null
    if ($LASTEXITCODE -eq 0) {
        & $candidate[0] @rest $script @args
        exit $LASTEXITCODE
    }
}
Write-Host 'galosh needs Python 3.10 or newer, and there is none. Run: winget install Python.Python.3.12 - then open a new terminal and run this again.'
exit 1
