@echo off
rem Finds the program and its request among the runfiles and runs the program.
setlocal
set "program={{program}}"
set "request={{request}}"
set "folder=%~f0.runfiles"
if not exist "%folder%\%request:/=\%" if defined RUNFILES_DIR for %%d in ("%RUNFILES_DIR%") do set "folder=%%~fd"
if not exist "%folder%\%request:/=\%" goto manifest
set "RUNFILES_MANIFEST_FILE="
set "RUNFILES_DIR=%folder%"
set "program_path=%folder%\%program:/=\%"
set "request_path=%folder%\%request:/=\%"
goto start

:manifest
set "manifest=%~f0.runfiles_manifest"
if not exist "%manifest%" set "manifest=%~f0.runfiles\MANIFEST"
if not exist "%manifest%" if defined RUNFILES_MANIFEST_FILE for %%m in ("%RUNFILES_MANIFEST_FILE%") do set "manifest=%%~fm"
if not exist "%manifest%" goto missing
set "RUNFILES_DIR="
set "RUNFILES_MANIFEST_FILE=%manifest%"
rem A line whose path has a space begins with one and has \s in its place.
for /f "usebackq tokens=1,*" %%a in ("%manifest%") do (
    if "%%a"=="%program: =\s%" set "program_path=%%b"
    if "%%a"=="%request: =\s%" set "request_path=%%b"
)
if not defined program_path goto missing
if not defined request_path goto missing

:start
"%program_path%" {{command}} --request "%request_path%" %*
exit /b %errorlevel%

:missing
echo %~f0: its runfiles are missing; start it with bazel run 1>&2
exit /b 2
