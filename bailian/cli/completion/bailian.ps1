# Completion of `bailian` for Windows PowerShell 5.1 and PowerShell 7.
Register-ArgumentCompleter -Native -CommandName bailian, bailian.exe -ScriptBlock {
    param($wordToComplete, $commandAst, $cursorPosition)
    $length = [Math]::Max(0, $cursorPosition - $commandAst.Extent.StartOffset)
    $line = $commandAst.ToString().PadRight($length).Substring(0, $length)
    $before = $env:_BAILIAN_COMPLETE, $env:_BAILIAN_LINE, [Console]::OutputEncoding
    try {
        $env:_BAILIAN_COMPLETE = 'powershell'
        $env:_BAILIAN_LINE = $line
        [Console]::OutputEncoding = [System.Text.UTF8Encoding]::new($false)
        $answers = @(& bailian 2>$null)
    } catch {
        return
    } finally {
        $env:_BAILIAN_COMPLETE, $env:_BAILIAN_LINE, [Console]::OutputEncoding = $before
    }
    # Where nothing is answered, PowerShell offers files by itself.
    foreach ($answer in ($answers | Select-Object -Skip 1)) {
        $value, $text = $answer -split "`t", 2
        if (-not $text) { $text = $value }
        [System.Management.Automation.CompletionResult]::new($value, $value, 'ParameterValue', $text)
    }
}
