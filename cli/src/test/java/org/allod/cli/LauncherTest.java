package org.allod.cli;

import static org.assertj.core.api.Assertions.assertThat;

import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** The shell part, in a clone of its own that has a space in its path, with a JVM that says what it was given. */
class LauncherTest {
    private static final Path CLONE = Path.of(System.getProperty("allod.clone"));

    @TempDir
    Path temp;

    private Path clone;

    @BeforeEach
    void layOut() throws Exception {
        clone = Files.createDirectories(temp.resolve("a clone"));
        Files.createDirectories(clone.resolve("launcher"));
        Files.copy(CLONE.resolve("allod"), clone.resolve("allod"));
        for (String part : List.of("jdk", "build", "caches", "test", "soak")) {
            Files.copy(
                    CLONE.resolve("launcher").resolve(part),
                    clone.resolve("launcher").resolve(part));
        }
        Files.setPosixFilePermissions(clone.resolve("allod"), PosixFilePermissions.fromString("rwxr-xr-x"));
    }

    private void built() throws Exception {
        Path dist = Files.createDirectories(clone.resolve("target/dist"));
        Path java = program(dist.resolve("java"), "for arg in \"$@\"; do echo \"<$arg>\"; done");
        Files.writeString(dist.resolve("env"), """
                JAVA='%s'
                DATA='%s/.allod'
                CLI='cli.jar'
                ALL='cli.jar:host.jar'
                CLI_FLAGS='-XX:+UseSerialGC'
                CLI_AOT='%s/cli.aot'
                HOST_FLAGS='-Xmx256m'
                HOST_AOT=''
                QUIET='-Xlog:disable'
                """.formatted(java, clone, dist));
    }

    private static Path program(Path file, String body) throws Exception {
        Files.writeString(file, "#!/bin/sh\n" + body + "\n");
        return Files.setPosixFilePermissions(file, PosixFilePermissions.fromString("rwxr-xr-x"));
    }

    private Ran allod(Map<String, String> env, String... args) throws Exception {
        List<String> argv =
                new java.util.ArrayList<>(List.of(clone.resolve("allod").toString()));
        argv.addAll(List.of(args));
        return Ran.of(env, "", argv);
    }

    @Test
    void arguments_reachTheCommandAsTheyWereTyped() throws Exception {
        built();

        Ran ran = allod(Map.of(), "machine", "exec", "web", "a b", "*", "$HOME", "");

        assertThat(ran.err()).isEmpty();
        assertThat(ran.out())
                .contains("<-Dallod.home=" + clone + ">", "<-Dallod.data=" + clone + "/.allod>", "<-Dallod.tty=>")
                .contains("<-XX:AOTCache=" + clone + "/target/dist/cli.aot>")
                .endsWith("<org.allod.cli.Main>\n<machine>\n<exec>\n<web>\n<a b>\n<*>\n<$HOME>\n<>\n");
    }

    @Test
    void link_toTheLauncher_findsTheClone() throws Exception {
        built();
        Path link = Files.createSymbolicLink(temp.resolve("allod"), clone.resolve("allod"));

        assertThat(Ran.of(Map.of(), "", List.of(link.toString(), "status")).out())
                .contains("<-Dallod.home=" + clone + ">");
    }

    @Test
    void host_isTheDaemonsOwnProcess() throws Exception {
        built();

        assertThat(allod(Map.of("ALLOD_LOG", "/x y/l.properties"), "host", "--data", "/d")
                        .out())
                .contains("<-Djava.util.logging.config.file=/x y/l.properties>")
                .contains("<-Xmx256m>")
                .endsWith("<org.allod.host.HostMain>\n<--data>\n</d>\n");
    }

    @Test
    void notBuilt_saysWhatToRun() throws Exception {
        Ran ran = allod(Map.of(), "machine", "list");

        assertThat(ran.exit()).isEqualTo(1);
        assertThat(ran.err()).contains("not built yet").contains("run " + clone + "/allod up");
    }

    @Test
    void jdk_tooOld_namesTheNewestAndWhatToDo() throws Exception {
        jdk("jdk-17", "17.0.15");
        jdk("jdk-21", "21.0.2");

        Ran ran = jdkSearch();

        assertThat(ran.exit()).isEqualTo(1);
        assertThat(ran.err())
                .contains("needs a JDK of version 25 or newer; the newest here is 21")
                .contains("point JAVA_HOME at it");
    }

    @Test
    void jdk_none_saysSo() throws Exception {
        Files.createDirectories(temp.resolve("jvm"));

        assertThat(jdkSearch().err()).contains("there is none here");
    }

    @Test
    void jdk_newEnough_isTaken_evenAnEarlyAccessOne() throws Exception {
        jdk("jdk-17", "17.0.15");
        jdk("jdk-26", "26-ea");

        assertThat(jdkSearch().out()).isEqualTo(temp.resolve("jvm/jdk-26") + "\n");
    }

    private void jdk(String name, String version) throws Exception {
        if (Files.exists(temp.resolve("jvm").resolve(name))) {
            return;
        }
        Path bin = Files.createDirectories(temp.resolve("jvm").resolve(name).resolve("bin"));
        program(bin.resolve("java"), "");
        program(bin.resolve("javac"), "");
        Files.writeString(bin.resolveSibling("release"), "IMPLEMENTOR=\"x\"\nJAVA_VERSION=\"" + version + "\"\n");
    }

    private Ran jdkSearch() throws Exception {
        return Ran.of(
                Map.of(
                        "PATH",
                        "/nonexistent",
                        "ALLOD_NO_INSTALL",
                        "1",
                        "ALLOD_JVM_DIR",
                        temp.resolve("jvm").toString()),
                "",
                List.of(
                        "/bin/sh",
                        "-c",
                        ". \"$0\"; echo \"$JAVA_HOME\"",
                        clone.resolve("launcher/jdk").toString()));
    }

    @Test
    void test_unknownRoom_listsThem() throws Exception {
        Files.createDirectories(clone.resolve("base"));
        Files.createFile(clone.resolve("base/pom.xml"));
        built();
        Files.createFile(clone.resolve("target/dist/built"));
        jdk("jdk-25", "25.0.1");
        Files.writeString(clone.resolve("target/dist/env"), "JAVA='" + temp.resolve("jvm/jdk-25/bin/java") + "'\n");

        Ran ran = allod(
                Map.of(
                        "ALLOD_JVM_DIR",
                        temp.resolve("jvm").toString(),
                        "JAVA_HOME",
                        temp.resolve("jvm/jdk-25").toString()),
                "test",
                "--room",
                "bsae");

        assertThat(ran.exit()).isEqualTo(2);
        assertThat(ran.err()).contains("there is no room 'bsae'").contains("rooms: base guest");
    }

    /** A clone with two rooms of one test class each, where Maven does what the script says. */
    private Ran test(String maven, String... args) throws Exception {
        for (String room : List.of("below", "above")) {
            Path tests = Files.createDirectories(clone.resolve(room + "/src/test/java/org/allod/" + room));
            Files.writeString(clone.resolve(room + "/pom.xml"), "");
            Files.writeString(tests.resolve("OneTest.java"), "");
        }
        Files.writeString(clone.resolve("pom.xml"), "");
        Path dist = Files.createDirectories(clone.resolve("target/dist"));
        Files.writeString(dist.resolve("jars"), "");
        jdk("jdk-25", "25.0.1");
        Path tools = Files.createDirectories(temp.resolve("tools"));
        program(tools.resolve("mvn"), """
                case " $* " in *" spotless:check "*) exit 0 ;; esac
                report() { # ROOM CLASS FAILURES
                    mkdir -p $1/target/surefire-reports
                    echo '<testsuite name="x" tests="2" errors="0" skipped="0" failures="'$3'">' \\
                        > $1/target/surefire-reports/TEST-org.allod.$1.$2.xml
                }
                """ + maven);
        List<String> words = new java.util.ArrayList<>(List.of("test"));
        words.addAll(List.of(args));
        return allod(
                Map.of(
                        "PATH",
                        tools + ":" + System.getenv("PATH"),
                        "ALLOD_JVM_DIR",
                        temp.resolve("jvm").toString(),
                        "JAVA_HOME",
                        temp.resolve("jvm/jdk-25").toString()),
                words.toArray(String[]::new));
    }

    @Test
    void test_everyClassRan_isCountedFromTheReports() throws Exception {
        Ran ran = test("report below OneTest 0; report above OneTest 0");

        assertThat(ran.err()).isEmpty();
        assertThat(ran.out()).isEqualTo("4 passed, 0 failed, 0 skipped\n");
        assertThat(ran.exit()).isZero();
    }

    @Test
    void test_roomThatWasNotRun_isAFailureAndNamed() throws Exception {
        Ran ran = test("report below OneTest 1; exit 1");

        assertThat(ran.out()).contains("rooms not run: above\n").endsWith("\n1 passed, 2 failed, 0 skipped\n");
        assertThat(ran.exit()).isEqualTo(1);
    }

    @Test
    void test_classThatWasNotRun_isAFailureAndNamed() throws Exception {
        Ran ran = test(
                "report above OneTest 0; touch above/src/test/java/org/allod/above/TwoTest.java", "--room", "above");

        assertThat(ran.out())
                .contains("classes not run: above/TwoTest\n")
                .endsWith("\n2 passed, 1 failed, 0 skipped\n");
        assertThat(ran.exit()).isEqualTo(1);
    }

    @Test
    void test_folderLeftBehind_isAFailure() throws Exception {
        Ran ran = test("report below OneTest 0; report above OneTest 0; mkdir $TMPDIR/junit-1");

        assertThat(ran.out())
                .contains("the tests left 1 files and folders behind, such as:\n  junit-1\n")
                .endsWith("\n4 passed, 1 failed, 0 skipped\n");
        assertThat(ran.exit()).isEqualTo(1);
    }

    @Test
    void test_ofOneRoom_takesTheSameClassesAsTheWholeRun_orTheOnesNamed() throws Exception {
        String maven = "report above OneTest 0; echo \"[ERROR] $*\"";

        assertThat(test(maven, "--room", "above").out()).contains(" -pl above -am -Dtest=org/allod/above/*Test ");
        assertThat(test(maven, "--room", "above", "OneTest", "-Dallod.seed=7").out())
                .contains(" -Dtest=OneTest ")
                .contains(" -Dallod.seed=7 ");
    }

    @Test
    void soak_listsWhatThereIs_andEachIsAClassWithSuchATest() throws Exception {
        built();
        String listed = allod(Map.of(), "soak").out();
        String script = Files.readString(CLONE.resolve("launcher/soak"));
        var tests = java.util.regex.Pattern.compile("([a-z-]+)\\) test=([a-z]+)/(\\w+)(?:#(\\w+)\\*)? ;;")
                .matcher(script)
                .results()
                .toList();

        assertThat(tests).hasSizeGreaterThan(10);
        for (var test : tests) {
            String source = Files.readString(CLONE.resolve(test.group(2))
                    .resolve("src/test/java/org/allod/" + test.group(2) + "/" + test.group(3) + ".java"));
            assertThat(listed).contains(" " + test.group(1) + " ");
            assertThat(source).contains("\"" + test.group(1) + "\"");
            if (test.group(4) != null) {
                assertThat(source).contains("void " + test.group(4));
            }
        }
    }

    @Test
    void unitFile_isAcceptedBySystemd() throws Exception {
        String unit = Files.readString(CLONE.resolve("packaging/allod.service"));
        assertThat(unit)
                .contains("Type=notify", "WatchdogSec=", "KillMode=process", "Restart=always", "SuccessExitStatus=143");
        // The program need not be installed where the unit says for the unit to be right.
        Path here = Files.writeString(
                temp.resolve("allod.service"), unit.replace("/usr/lib/allod/allod", CLONE + "/allod"));

        Ran ran = Ran.of(Map.of(), "", List.of("systemd-analyze", "verify", "--man=no", here.toString()));

        // Debian 12's systemd is older than these two (254), and says so.
        String said = (ran.err() + ran.out())
                .lines()
                .filter(line -> !line.contains("'RestartSteps'") && !line.contains("'RestartMaxDelaySec'"))
                .collect(java.util.stream.Collectors.joining("\n"));
        assertThat(said).doesNotContain("allod.service");
        assertThat(ran.exit()).isZero();
    }
}
